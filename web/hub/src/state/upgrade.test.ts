import { beforeEach, expect, it, vi } from 'vitest';
import { reloadIfOlder, reloadWhenAnswered, type UpgradeOptions } from './upgrade.ts';

let index = '';
let time = 0;
let stored: Map<string, string>;
const reload = vi.fn();
let options: UpgradeOptions;

beforeEach(() => {
  reload.mockReset();
  stored = new Map();
  time = 1_000_000;
  index = '<script src="/hub/assets/index-new.js">';
  options = {
    readIndex: () => Promise.resolve(index),
    script: '/hub/assets/index-old.js',
    storage: { getItem: (key) => stored.get(key) ?? null, setItem: (key, value) => stored.set(key, value) },
    now: () => time,
    reload,
  };
});

it('a page of an older version is loaded anew, once', async () => {
  await reloadIfOlder(options);
  await reloadIfOlder(options);
  expect(reload).toHaveBeenCalledOnce();
  time += 120_000;
  await reloadIfOlder(options);
  expect(reload).toHaveBeenCalledTimes(2);
});

it('one of the same version is not', async () => {
  index = '<script src="/hub/assets/index-old.js">';
  await reloadIfOlder(options);
  expect(reload).not.toHaveBeenCalled();
});

it('while the hub does not answer nothing is reloaded', async () => {
  options = { ...options, readIndex: () => Promise.reject(new Error('away')) };
  await expect(reloadWhenAnswered(options)).rejects.toThrow('away');
  expect(reload).not.toHaveBeenCalled();
});

it('without storage nothing is reloaded, since it could be for ever', async () => {
  const refuse = (): never => {
    throw new DOMException('no', 'SecurityError');
  };
  options = { ...options, storage: { getItem: refuse, setItem: refuse } };
  await reloadIfOlder(options);
  expect(reload).not.toHaveBeenCalled();
});
