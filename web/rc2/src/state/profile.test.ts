import { describe, expect, it } from 'vitest';
import type { Profile, ProfiledCall } from '../protocol/messages.ts';
import { flames, shareText, stepTo } from './profile.ts';

const call = (name: string, parent: number | null, samples: number): ProfiledCall => ({
  name,
  parent,
  samples,
  own: 0,
  bytes: 0,
  path: null,
  line: null,
});
const profile: Profile = {
  language: 'R',
  interval: 0.01,
  samples: 10,
  bytes: 0,
  peak: 0,
  functions: [],
  lines: [],
  left_out: 0,
  note: null,
  calls: [call('f', null, 6), call('g', 0, 4), call('h', 0, 2), call('k', null, 4)],
};

describe('flames', () => {
  it('are as wide as their time, below the call that made them', () => {
    expect(flames(profile).map(({ at, depth, left, width }) => [at, depth, left, width])).toEqual([
      [0, 0, 0, 0.6],
      [1, 1, 0, 0.4],
      [2, 1, 0.4, 0.2],
      [3, 0, 0.6, 0.4],
    ]);
  });

  it('are those of one call, and what led to it, once it is zoomed into', () => {
    expect(flames(profile, 1).map(({ at, depth, width }) => [at, depth, width])).toEqual([
      [0, 0, 1],
      [1, 1, 1],
    ]);
  });

  it('are not drawn where nobody would see them', () => {
    const small = { ...profile, samples: 100_000 };
    expect(flames(small)).toEqual([]);
  });

  it('are walked by keys', () => {
    const drawn = flames(profile);
    expect(stepTo(drawn, 0, 'in')).toBe(1);
    expect(stepTo(drawn, 1, 'after')).toBe(2);
    expect(stepTo(drawn, 2, 'before')).toBe(1);
    expect(stepTo(drawn, 2, 'out')).toBe(0);
    expect(stepTo(drawn, 0, 'out')).toBe(0);
    expect(stepTo(drawn, 3, 'after')).toBe(3);
    expect(stepTo(drawn, 99, 'in')).toBe(0);
  });

  it('say their share', () => {
    expect([shareText(1, 3), shareText(1, 1000), shareText(0, 0)]).toEqual(['33 %', 'below 1 %', '0 %']);
  });
});
