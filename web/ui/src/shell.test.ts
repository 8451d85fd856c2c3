import { describe, expect, it } from 'vitest';
import { isAnswer, pause, read, resized, typed } from './shell.ts';

describe('messages of a shell', () => {
  it('are read', () => {
    expect(read('["setup", {}]')).toEqual({ kind: 'setup' });
    expect(read('["stdout", "a\\r\\n"]')).toEqual({ kind: 'output', text: 'a\r\n' });
    expect(read('["disconnect", 1]')).toEqual({ kind: 'ended' });
  });

  it('that are unknown are left alone', () => {
    expect(read('["switch_terminal", 1]')).toBeNull();
    expect(read('{}')).toBeNull();
    expect(read('["stdout", 1]')).toBeNull();
  });

  it('are written', () => {
    expect(typed('ls\r')).toBe('["stdin","ls\\r"]');
    expect(resized(24, 80)).toBe('["set_size",24,80]');
  });
});

describe('what the terminal says by itself', () => {
  it.each(['\x1b[?1;2c', '\x1b[0n', '\x1b[24;80R', '\x1b]11;rgb:ffff/ffff/ffff\x1b\\', '\x1b[I'])(
    'is told apart: %j',
    (text) => {
      expect(isAnswer(text)).toBe(true);
    },
  );

  it.each(['a', '\r', '\x1b[A', '\x1b', 'ls -l', '\x1b[200~pasted\x1b[201~'])(
    'is not what a person types: %j',
    (text) => {
      expect(isAnswer(text)).toBe(false);
    },
  );
});

describe('the pause between two tries', () => {
  it('grows, but not for ever', () => {
    expect([1, 2, 3, 4, 5, 6, 100].map(pause)).toEqual([500, 1000, 2000, 4000, 8000, 8000, 8000]);
  });
});
