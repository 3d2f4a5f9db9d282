/** Edits of a query: every click on a value is one that the reader can read. Pure. */

import { PLACES, type Token, tokenize, unquote } from "./lexer";

export interface Term {
  field: string;
  operator: string;
  value: string;
  negated: boolean;
}

const PLAIN_VALUE = /^[\p{L}\p{N}_.@%+/{}:-]+$/u;
const PLAIN_FIELD = /^[\p{L}_@$][\p{L}\p{N}_.\-/@$]*$/u;
const PLACED = new RegExp(`^(${PLACES.join("|")})\\.(.+)$`, "s");
const KEYWORD = /^(?:AND|OR|NOT)$/;

const inQuotes = (text: string): string => `"${text.replace(/[\\"]/g, "\\$&")}"`;

/** A value as it is written in a query, quoted where it must be. */
export function literal(value: string): string {
  return PLAIN_VALUE.test(value) && !KEYWORD.test(value) ? value : inQuotes(value);
}

/** A field name as it is written in a query; the place in front of it stays outside of quotes. */
export function fieldLiteral(name: string): string {
  if (PLAIN_FIELD.test(name) && !KEYWORD.test(name)) return name;
  const placed = PLACED.exec(name);
  return placed ? `${placed[1]}.${inQuotes(placed[2]!)}` : inQuotes(name);
}

/** The text of one term. */
export function termText({ field, operator, value, negated }: Term): string {
  const isComparison = /[<>]/.test(operator);
  return `${negated ? "-" : ""}${fieldLiteral(field)}${operator}${isComparison ? value : literal(value)}`;
}

interface Place extends Term {
  start: number;
  end: number;
}

/** The terms of a query that are `field operator value`, wherever they stand. */
export function terms(query: string): Place[] {
  const tokens = tokenize(query).filter(({ kind }) => kind !== "space");
  const text = (token: Token) => query.slice(token.start, token.end);
  const found: Place[] = [];
  tokens.forEach((token, index) => {
    const operator = tokens[index + 1];
    const value = tokens[index + 2];
    if (token.kind !== "field" || !operator || !value) return;
    if (value.kind !== "value" && value.kind !== "quoted") return;
    const before = tokens[index - 1];
    const negated = before?.kind === "negation";
    found.push({
      field: unquote(text(token)),
      operator: text(operator),
      value: unquote(text(value)),
      negated,
      start: negated ? before.start : token.start,
      end: value.end,
    });
  });
  return found;
}

/** Whether the query has this very term already. */
export function hasTerm(query: string, term: Term): boolean {
  return findTerm(query, term) !== undefined;
}

function findTerm(query: string, term: Term): Place | undefined {
  const isEquality = (operator: string) => operator === ":" || operator === "=";
  return terms(query).find(
    ({ field, operator, value, negated }) =>
      field === term.field &&
      value === term.value &&
      negated === term.negated &&
      (operator === term.operator || (isEquality(operator) && isEquality(term.operator))),
  );
}

/** The query narrowed by a term; its opposite goes away, and nothing changes when it is there already. */
export function addTerm(query: string, term: Term): string {
  if (hasTerm(query, term)) return query;
  const opposite = { ...term, negated: !term.negated };
  const rest = removeTerm(query, opposite).trim();
  if (rest === "") return termText(term);
  return `${hasTopLevelOr(rest) ? `(${rest})` : rest} ${termText(term)}`;
}

/** The query without a term. */
export function removeTerm(query: string, term: Term): string {
  const place = findTerm(query, term);
  if (!place) return query;
  return `${query.slice(0, place.start).trimEnd()} ${query.slice(place.end).trimStart()}`.trim();
}

/** Adds a term, or takes it away when it is there. */
export function toggleTerm(query: string, term: Term): string {
  return hasTerm(query, term) ? removeTerm(query, term) : addTerm(query, term);
}

/** Replaces the lower or upper bounds of a field: what a brush over a chart does. */
export function setBounds(query: string, field: string, bounds: readonly (readonly [">=" | "<", string])[]): string {
  const stale = terms(query).filter((term) => term.field === field && /[<>]/.test(term.operator));
  const cleared = stale.reduce((rest, term) => removeTerm(rest, term), query);
  return bounds.reduce((rest, [operator, value]) => addTerm(rest, { field, operator, value, negated: false }), cleared);
}

function hasTopLevelOr(query: string): boolean {
  let depth = 0;
  for (const { kind, start, end } of tokenize(query)) {
    const text = query.slice(start, end);
    if (kind === "paren") depth += text === "(" ? 1 : -1;
    if (kind === "keyword" && depth === 0 && text === "OR") return true;
  }
  return false;
}
