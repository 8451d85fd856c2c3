import { expect, it } from 'vitest';
import { isThisComputerOnly } from './addresses.ts';

it.each([
  ['http://localhost:8000/hub/?token=x', true],
  ['http://127.0.0.1:8000/hub/', true],
  ['http://[::1]:8000/', true],
  ['http://192.0.2.10:8000/', false],
  ['https://hub.example.org/', false],
  ['http://localhost.example.org/', false],
])('%s: %s', (url, only) => {
  expect(isThisComputerOnly(url)).toBe(only);
});
