import { describe, expect, it } from 'vitest';
import { pieces, plain, print, type Printed } from './ansi.ts';

const BEGIN: Printed = { text: '', column: null };

describe('text that is printed on', () => {
  it.each([
    ['a', 'b', 'ab'],
    ['10%', '\r20%', '20%'],
    ['10%\r', '20%', '20%'],
    ['a\n10%\r', '100%\nb', 'a\n100%\nb'],
    ['abc', '\rx', 'xbc'],
    ['ab', '\bc', 'ac'],
    ['a\r', '\nb', 'a\nb'],
    ['long line\r', '\x1b[Kx', 'x'],
    ['\x1b[32mok\x1b[0m', '\rno', 'no'],
    ['ab', '\r\x1b[31mx', '\x1b[31mx\x1b[0mb\x1b[31m'],
  ])('%j and %j', (before, more, after) => {
    expect(print(print(BEGIN, before), more).text).toBe(after);
  });

  it('is the same in whatever pieces it comes', () => {
    const whole = 'a\r\nb 1%\rb 2%\rb 100%\nend';
    const piecewise = Array.from(whole).reduce(print, BEGIN).text;
    expect(piecewise).toBe(print(BEGIN, whole).text);
    expect(piecewise).toBe('a\nb 100%\nend');
  });
});

describe('colours', () => {
  it('have names', () => {
    expect(pieces('\x1b[31mred\x1b[0m, \x1b[1mbold\x1b[22m')).toEqual([
      { text: 'red', classes: ['red'] },
      { text: ', ', classes: [] },
      { text: 'bold', classes: ['bold'] },
    ]);
  });
  it('may be any', () => {
    expect(pieces('\x1b[38;2;1;2;3mx')[0]?.color).toBe('rgb(1, 2, 3)');
    expect(pieces('\x1b[38;5;196mx')[0]?.color).toBe('rgb(255, 0, 0)');
  });
  it('go away in plain text, links too', () => {
    expect(plain('\x1b[31ma\x1b[0m \x1b]8;;http://x\x07b\x1b]8;;\x07')).toBe('a b');
  });
});
