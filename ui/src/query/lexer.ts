/** Cuts the search language (docs/search.md) into tokens, for colour, completion and edits. The server alone judges it. Pure. */

export type TokenKind =
  "space" | "word" | "field" | "operator" | "value" | "quoted" | "regex" | "keyword" | "negation" | "paren" | "open";

/** A piece of the text; `open` is a quote that does not end. */
export interface Token {
  kind: TokenKind;
  start: number;
  end: number;
}

/** Where a field may be: what can stand before its name. */
export const PLACES = ["span", "log", "resource", "scope", "event", "link"] as const;

const SPACE = /^\s+/;
const KEYWORD = /^(?:AND|OR|NOT)(?=[\s()"]|$)/;
const NEGATION = /^-(?=[\p{L}\p{N}_@$"(*/-])/u;
const REGEX = /^\/(?:[^\\/]|\\.|\/(?![\s)]|$))+\/(?=[\s)]|$)/u;
const NAME = /^[\p{L}_@$][\p{L}\p{N}_.\-/@$]*/u;
const PLACED_QUOTE = new RegExp(`^(?:(?:${PLACES.join("|")})\\.)?(?=")`);
/** The colon stands right after the name, comparisons may be set off; `http://` is no field. */
const OPERATOR_AHEAD = /^(?::(?!\/\/)|\s*(?:[<>]|!?=))/;
const OPERATOR = /^(?::?[<>]=?|:|!=|==?)/;
const WORD = /^[^\s()"]+/;

/** The tokens of a query, without gaps. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const token = next(text, at, tokens);
    tokens.push(token);
    at = token.end;
  }
  return tokens;
}

function next(text: string, start: number, before: readonly Token[]): Token {
  const rest = text.slice(start);
  const take = (kind: TokenKind, length: number): Token => ({ kind, start, end: start + length });
  const space = SPACE.exec(rest);
  if (space) return take("space", space[0].length);
  const last = before.at(-1)?.kind === "space" ? before.at(-2) : before.at(-1);
  if (last?.kind === "field") return take("operator", OPERATOR.exec(rest)?.[0].length ?? 1);
  if (rest[0] === "(" || rest[0] === ")") return take("paren", 1);
  if (last?.kind === "operator" && isJoined(text, last, start)) return value(text, start);
  for (const [kind, pattern] of [
    ["negation", NEGATION],
    ["keyword", KEYWORD],
    ["regex", REGEX],
  ] as const) {
    const found = pattern.exec(rest);
    if (found) return take(kind, found[0].length);
  }
  const quote = PLACED_QUOTE.exec(rest);
  const token = quote ? quoted(text, start, start + quote[0].length) : take("word", NAME.exec(rest)?.[0].length ?? 0);
  if (token.kind !== "open" && token.end > start && OPERATOR_AHEAD.test(text.slice(token.end))) {
    return { ...token, kind: "field" };
  }
  return quote ? token : take("word", WORD.exec(rest)?.[0].length ?? 1);
}

/** A value stands right after the colon; after a comparison there may be spaces. */
function isJoined(text: string, operator: Token, start: number): boolean {
  return operator.end === start || /[<>=]$/.test(text.slice(operator.start, operator.end));
}

function value(text: string, start: number): Token {
  if (text[start] === '"') return quoted(text, start, start);
  return { kind: "value", start, end: start + (WORD.exec(text.slice(start))?.[0].length ?? 1) };
}

function quoted(text: string, start: number, quote: number): Token {
  for (let at = quote + 1; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === '"') return { kind: "quoted", start, end: at + 1 };
  }
  return { kind: "open", start, end: text.length };
}

/** The text that a token stands for: `"a b"` is a b, `span."a b"` is span.a b. */
export function unquote(text: string): string {
  const quote = text.indexOf('"');
  if (quote < 0) return text;
  const inner = text.endsWith('"') && text.length > quote + 1 ? text.slice(quote + 1, -1) : text.slice(quote + 1);
  return text.slice(0, quote) + inner.replace(/\\(["\\])/g, "$1");
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
