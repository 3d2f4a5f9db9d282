/** A line of a few numbers, without axes: the shape only; the numbers stand beside it. */

interface Props {
  values: readonly (number | null)[];
  width?: number;
  height?: number;
  class?: string | undefined;
  /** The value at the top; the greatest one when it is left out. */
  most?: number;
}

export function Spark({ values, width = 72, height = 18, most, class: className }: Props) {
  const top = Math.max(most ?? 0, ...values.map((value) => value ?? 0)) || 1;
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  const y = (value: number) => (height - 1.5 - (value / top) * (height - 3)).toFixed(1);
  let line = "";
  let area = "";
  let from = -1;
  values.forEach((value, index) => {
    const x = (index * step).toFixed(1);
    if (value !== null) {
      line += `${from < 0 ? "M" : "L"}${x} ${y(value)}`;
      area += from < 0 ? `M${x} ${height}L${x} ${y(value)}` : `L${x} ${y(value)}`;
      if (from < 0) from = index;
    }
    if (from >= 0 && (value === null || index === values.length - 1)) {
      area += `L${((value === null ? index - 1 : index) * step).toFixed(1)} ${height}Z`;
      from = -1;
    }
  });
  return (
    <svg class={className} width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <path d={area} fill="currentColor" opacity="0.14" />
      <path
        d={line}
        fill="none"
        stroke="currentColor"
        stroke-width="1.3"
        stroke-linejoin="round"
        stroke-linecap="round"
      />
    </svg>
  );
}
