/** Severities of logs: their numbers, names and looks. Pure. */

const NAMES = ["unset", "trace", "debug", "info", "warn", "error", "fatal"] as const;

export type Severity = (typeof NAMES)[number];

/** The class of a severity number (1–4 trace … 21–24 fatal). */
export function severityOf(number: number): Severity {
  if (number < 1 || number > 24) return "unset";
  return NAMES[Math.ceil(number / 4)] ?? "unset";
}

/** What the sender called it, or else its class. */
export function severityName({
  severityText,
  severityNumber,
}: {
  severityText: string;
  severityNumber: number;
}): string {
  if (severityText) return severityText;
  const severity = severityOf(severityNumber);
  return severity === "unset" ? "" : severity.toUpperCase();
}
