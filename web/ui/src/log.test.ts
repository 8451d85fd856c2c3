import { expect, it } from 'vitest';
import { Log, plain, severity } from './log.ts';

it('pieces of a stream become lines', () => {
  const log = new Log();
  log.push('one\ntw');
  log.push('o\nthree');
  expect(log.lines).toEqual(['one', 'two', 'three']);
});

it('older lines leave, and are counted', () => {
  const log = new Log(2);
  log.push('a\nb\nc\n');
  expect(log.lines).toEqual(['b', 'c']);
  expect(log.left).toBe(1);
});

it('colours and what was written over are not shown', () => {
  expect(plain('\u001b[31mred\u001b[0m text')).toBe('red text');
  expect(plain('10 %\r50 %\r100 %\r')).toBe('100 %');
  expect(plain('\u001b]0;title\u0007shell')).toBe('shell');
});

it('a level is seen, a sentence with the word is not', () => {
  expect(severity('2026-11-24 ERROR SparkContext: no')).toBe('bad');
  expect(severity('[E 10:00:00.000 ServerApp] no')).toBe('bad');
  expect(severity('26/11/24 WARN NativeCodeLoader: x')).toBe('warning');
  expect(severity('there was no error at all')).toBeNull();
});
