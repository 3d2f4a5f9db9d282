/** Paints every span as a thin line of its service's colour. */

import { hueClass } from "../../trace/colors";
import { isError } from "../../trace/frame";
import type { TraceView } from "./view";

const HEIGHT_PX = 52;

/** Draws the trace into a canvas that is `width` CSS pixels wide. */
export function drawMinimap(canvas: HTMLCanvasElement, view: TraceView, width: number): void {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(HEIGHT_PX * ratio);
  const context = canvas.getContext("2d");
  if (!context) return;
  const { frame } = view;
  const colors = colorsOf(canvas, view);
  const scale = canvas.width / Math.max(frame.durationNano, 1);
  const rowHeight = canvas.height / frame.spanCount;
  const height = Math.max(ratio, Math.min(rowHeight * 0.75, 4 * ratio));
  // One colour after the other: changing it is what costs.
  colors.forEach((color, service) => {
    context.fillStyle = color;
    for (let row = 0; row < frame.spanCount; row += 1) {
      if (frame.service[row] !== service) continue;
      context.fillRect(
        frame.start[row]! * scale,
        row * rowHeight,
        Math.max(frame.duration[row]! * scale, ratio),
        height,
      );
    }
  });
  context.fillStyle = getComputedStyle(canvas).getPropertyValue("--error");
  for (let row = 0; row < frame.spanCount; row += 1) {
    if (!isError(frame, row)) continue;
    context.fillRect(
      frame.start[row]! * scale,
      row * rowHeight,
      Math.max(frame.duration[row]! * scale, 2 * ratio),
      Math.max(height, ratio * 1.5),
    );
  }
}

/** The colours that the style sheet gives to the services. */
function colorsOf(canvas: HTMLCanvasElement, view: TraceView): string[] {
  const probe = document.createElement("span");
  canvas.parentElement!.append(probe);
  const colors = view.places.map((place) => {
    probe.className = hueClass(place);
    probe.style.color = "var(--service)";
    return getComputedStyle(probe).color;
  });
  probe.remove();
  return colors;
}
