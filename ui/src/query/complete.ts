/** What can be completed where the caret stands. Pure: the candidates come from the API. */

import { fieldLiteral, literal } from "./edit";
import { tokenize, unquote } from "./lexer";

/** The piece of text to replace, and what is known about it. */
export type Context =
  | { kind: "field"; prefix: string; start: number; end: number; negated: boolean }
  | { kind: "value"; field: string; prefix: string; start: number; end: number };

export interface FieldCandidate {
  name: string;
  scope: string;
  types: readonly string[];
  count: number;
}

export interface Suggestion {
  /** What the list shows. */
  label: string;
  /** Beside it, muted. */
  note: string;
  /** What replaces the piece of text. */
  insert: string;
}

/** What the text around the caret asks for; undefined where nothing can be completed. */
export function contextAt(text: string, caret: number): Context | undefined {
  const tokens = tokenize(text);
  const index = tokens.findIndex(({ start, end }) => start < caret && caret <= end);
  const token = tokens[index];
  if (!token || token.kind === "space" || token.kind === "paren" || token.kind === "negation") {
    const negated = token?.kind === "negation";
    return { kind: "field", prefix: "", start: caret, end: caret, negated };
  }
  const typed = text.slice(token.start, caret);
  if (token.kind === "operator") {
    const field = fieldBefore(text, index, tokens);
    return field === undefined ? undefined : { kind: "value", field, prefix: "", start: token.end, end: token.end };
  }
  if (token.kind === "value" || tokens[index - 1]?.kind === "operator") {
    const field = fieldBefore(
      text,
      tokens.findLastIndex(({ kind }, at) => at < index && kind === "operator"),
      tokens,
    );
    if (field === undefined) return undefined;
    return { kind: "value", field, prefix: unquote(typed), start: token.start, end: token.end };
  }
  if (token.kind !== "word" && token.kind !== "field" && token.kind !== "keyword") return undefined;
  const negated = tokens[index - 1]?.kind === "negation";
  return { kind: "field", prefix: typed, start: token.start, end: token.end, negated };
}

function fieldBefore(text: string, operator: number, tokens: ReturnType<typeof tokenize>): string | undefined {
  const field = tokens.slice(0, Math.max(operator, 0)).findLast(({ kind }) => kind !== "space");
  return field?.kind === "field" ? unquote(text.slice(field.start, field.end)) : undefined;
}

/** Fields that fit what was typed: those that begin with it, then those that contain it, the frequent ones first. */
export function suggestFields(fields: readonly FieldCandidate[], prefix: string, most: number): Suggestion[] {
  const wanted = prefix.toLowerCase();
  const rank = ({ name }: FieldCandidate) => {
    const lower = name.toLowerCase();
    if (lower === wanted) return 0;
    if (lower.startsWith(wanted)) return 1;
    if (new RegExp(`\\.${escapeRegExp(wanted)}`).test(lower)) return 2;
    return lower.includes(wanted) ? 3 : 4;
  };
  return fields
    .map((field) => ({ field, rank: wanted === "" ? 1 : rank(field) }))
    .filter(({ rank }) => rank < 4)
    .sort((a, b) => a.rank - b.rank || intrinsicFirst(a.field, b.field) || b.field.count - a.field.count)
    .slice(0, most)
    .map(({ field }) => ({
      label: field.name,
      note: field.scope === "intrinsic" ? "" : field.types.join(", "),
      insert: `${fieldLiteral(field.name)}:`,
    }));
}

function intrinsicFirst(a: FieldCandidate, b: FieldCandidate): number {
  return Number(b.scope === "intrinsic") - Number(a.scope === "intrinsic");
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** Values as suggestions; `count` says how often they occur. */
export function suggestValues(values: readonly { value: string; note: string }[]): Suggestion[] {
  return values.map(({ value, note }) => ({ label: value, note, insert: `${literal(value)} ` }));
}

/** The text and caret after a suggestion is taken. */
export function accept(text: string, context: Context, suggestion: Suggestion): { text: string; caret: number } {
  const after = text.slice(context.end);
  // A field that had its operator keeps it; a value is followed by one space.
  const insert =
    context.kind === "field" && /^[:=<>!]/.test(after)
      ? suggestion.insert.slice(0, -1)
      : context.kind === "value" && after.startsWith(" ")
        ? suggestion.insert.trimEnd()
        : suggestion.insert;
  const caret = context.start + insert.length;
  return { text: text.slice(0, context.start) + insert + after, caret };
}
