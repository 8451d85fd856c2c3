/** A profile, laid out as flames: each call as wide as its time, below the call that made it. */

import type { Profile, ProfiledCall } from '../protocol/messages.ts';

/** A call as it is drawn: its number in the profile, how deep it is, and its place and width as shares of what is shown. */
export interface Flame {
  at: number;
  call: ProfiledCall;
  depth: number;
  left: number;
  width: number;
}

/** Share of what is shown below which a call is too narrow to be seen. */
const NARROWEST = 0.001;

/** Return the inner calls of each call, and under -1 the outermost, in the profile's order: the widest first. */
export function innerCalls({ calls }: Pick<Profile, 'calls'>): Map<number, number[]> {
  const found = new Map<number, number[]>();
  calls.forEach(({ parent }, at) => {
    const all = found.get(parent ?? -1);
    if (all) all.push(at);
    else found.set(parent ?? -1, [at]);
  });
  return found;
}

/** Return what is drawn: all calls, or one with those that led to it and those that it made. */
export function flames(profile: Profile, zoomed: number | null = null): Flame[] {
  const { calls } = profile;
  const inner = innerCalls(profile);
  const found: Flame[] = [];
  const above: number[] = [];
  for (
    let at = zoomed === null ? null : calls[zoomed]?.parent;
    typeof at === 'number';
    at = calls[at]?.parent
  )
    above.unshift(at);
  above.forEach((at, depth) => {
    const call = calls[at];
    if (call) found.push({ at, call, depth, left: 0, width: 1 });
  });
  const whole = (zoomed === null ? profile.samples : calls[zoomed]?.samples) || 1;
  const place = (numbers: readonly number[], depth: number, from: number): void => {
    let left = from;
    for (const at of numbers) {
      const call = calls[at];
      if (!call) continue;
      const width = call.samples / whole;
      if (width >= NARROWEST) {
        found.push({ at, call, depth, left, width });
        place(inner.get(at) ?? [], depth + 1, left);
      }
      left += width;
    }
  };
  place(zoomed === null ? (inner.get(-1) ?? []) : [zoomed], above.length, 0);
  return found;
}

export type Way = 'out' | 'in' | 'before' | 'after';

/** Return the call that a key leads to among those that are drawn; the same where there is none. */
export function stepTo(drawn: readonly Flame[], at: number, way: Way): number {
  const here = drawn.find((flame) => flame.at === at);
  if (!here) return drawn[0]?.at ?? at;
  if (way === 'out') return drawn.find((flame) => flame.at === here.call.parent)?.at ?? at;
  if (way === 'in') return drawn.find(({ call }) => call.parent === here.at)?.at ?? at;
  const row = drawn.filter(({ depth }) => depth === here.depth).sort((one, other) => one.left - other.left);
  return row[row.indexOf(here) + (way === 'after' ? 1 : -1)]?.at ?? at;
}

/** Return a part of all as people read it. */
export function shareText(part: number, all: number): string {
  const percent = (100 * part) / (all || 1);
  return percent > 0 && percent < 1 ? 'below 1 %' : `${Math.round(percent)} %`;
}
