/** Cuts the search language (docs/search.md) into tokens, for colour, completion and edits. The server alone judges it. Pure. */

export type TokenKind =
  "space" | "word" | "field" | "operator" | "value" | "quoted" | "regex" | "keyword" | "negation" | "paren" | "open";

/** A piece of the text; `open` is a quote or a regular expression that does not end. */
export interface Token {
  kind: TokenKind;
  start: number;
  end: number;
}

const OPERATOR = /^(?:!=|>=|<=|[:=><])/;
const KEYWORD = /^(?:AND|OR|NOT)$/;
/** An unquoted field name or word, up to what cannot be in one. */
const WORD = /^[^\s()":=<>!]+/;
/** An unquoted value: colons and such are its own. */
const VALUE = /^[^\s()"]+/;

/** The tokens of a query, without gaps. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const last = tokens.at(-1);
    const token = last?.kind === "operator" ? valueAt(text, at) : termAt(text, at, last);
    if (token.kind === "operator" && (last?.kind === "word" || last?.kind === "quoted")) last.kind = "field";
    tokens.push(token);
    at = token.end;
  }
  return tokens;
}

function termAt(text: string, start: number, last: Token | undefined): Token {
  const rest = text.slice(start);
  const space = /^\s+/.exec(rest);
  if (space) return { kind: "space", start, end: start + space[0].length };
  const first = rest[0]!;
  if (first === "(" || first === ")") return { kind: "paren", start, end: start + 1 };
  const isTermStart = last === undefined || last.kind === "space" || last.kind === "paren" || last.kind === "negation";
  if (first === "-" && isTermStart && rest.length > 1) return { kind: "negation", start, end: start + 1 };
  if (first === '"') return quoted(text, start, '"', "quoted");
  if (first === "/" && isTermStart) return quoted(text, start, "/", "regex");
  const operator = OPERATOR.exec(rest);
  if (operator) return { kind: "operator", start, end: start + operator[0].length };
  const word = WORD.exec(rest)?.[0] ?? first;
  return { kind: KEYWORD.test(word) ? "keyword" : "word", start, end: start + word.length };
}

function valueAt(text: string, start: number): Token {
  const first = text[start]!;
  if (first === '"') return quoted(text, start, '"', "quoted");
  if (first === "(" || /\s/.test(first)) return termAt(text, start, undefined);
  const value = VALUE.exec(text.slice(start))?.[0] ?? first;
  return { kind: "value", start, end: start + value.length };
}

function quoted(text: string, start: number, mark: string, kind: TokenKind): Token {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === mark) return { kind, start, end: at + 1 };
  }
  return { kind: "open", start, end: text.length };
}

/** The text that a quoted token or a bare one stands for. */
export function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  const inner = text.endsWith('"') && text.length > 1 ? text.slice(1, -1) : text.slice(1);
  return inner.replace(/\\(.)/g, "$1");
}

/** Index in the string of a byte position in its UTF-8 form, as errors of the API have them. */
export function indexOfByte(text: string, byte: number): number {
  let bytes = 0;
  let index = 0;
  for (const character of text) {
    if (bytes >= byte) break;
    const code = character.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    index += character.length;
  }
  return index;
}

/** Whether the text is nothing but a trace id. */
export function isTraceId(text: string): boolean {
  return /^[0-9a-f]{32}$/i.test(text.trim());
}
