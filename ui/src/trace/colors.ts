/** Colours of services: the same for everybody who looks at the same trace. Pure. */

export const HUES = 12;

/** The class that sets a service's colour, from its place in the order. */
export function hueClass(place: number): string {
  return place >= 0 && place < HUES ? `hue-${place}` : "hue-none";
}

/** Places of services by weight (self time in a trace), heaviest first; ties by hash of the name. */
export function placesByWeight(names: readonly string[], weights: ArrayLike<number>): number[] {
  const order = names.map((_, index) => index);
  const hashes = names.map(hash);
  order.sort((a, b) => weights[b]! - weights[a]! || hashes[a]! - hashes[b]! || (names[a]! < names[b]! ? -1 : 1));
  const places = new Array<number>(names.length);
  order.forEach((service, place) => (places[service] = place));
  return places;
}

/** A hue for a name on its own, where no trace gives an order: stable, but two names may share one. */
export function hueOfName(name: string): string {
  return hueClass(hash(name) % HUES);
}

/** FNV-1a over UTF-16 units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return (value ^ (value >>> 15)) >>> 0;
}
