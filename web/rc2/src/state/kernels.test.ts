import { expect, it } from 'vitest';
import { chosen } from './kernels.ts';

const SPECS = [
  { name: 'ir', language: 'r' },
  { name: 'python3', language: 'python' },
  { name: 'conda-env-ml-py', language: 'python' },
];
const PLAIN = { kernelspec: 'python3', language: 'Python' };
const ML = { kernelspec: 'conda-env-ml-py', language: 'Python' };

it('a notebook runs in its own kernel', () => {
  expect(chosen([PLAIN, ML], SPECS, 'python', ML.kernelspec).console).toBe(ML);
  expect(chosen([PLAIN], SPECS, 'python', ML.kernelspec)).toEqual({
    console: undefined,
    kernelspec: SPECS[2],
  });
});

it('a kernel that the session has not, or of another language, is that of the language', () => {
  for (const wanted of [null, 'gone', 'ir']) {
    expect(chosen([ML, PLAIN], SPECS, 'python', wanted).console).toBe(ML);
    expect(chosen([], SPECS, 'python', wanted)).toEqual({ console: undefined, kernelspec: SPECS[1] });
  }
  expect(chosen([PLAIN], SPECS, 'julia', 'julia-1')).toEqual({ console: undefined, kernelspec: undefined });
});
