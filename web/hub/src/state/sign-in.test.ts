import { expect, it } from 'vitest';
import { askable, chosenWay, departure, elsewhere, pageOf, problemElsewhere } from './sign-in.ts';

const password = { name: 'password', title: 'Name and password', fields: ['name', 'password'], url: null };
const directory = { name: 'ldap', title: 'Your university', fields: ['name', 'password'], url: null };
const card = { name: 'card', title: 'A card', fields: ['pin'], url: null };

it('ways whose fields the page does not have are left out', () => {
  expect(askable([password, card, { ...card, fields: [] }])).toEqual([password]);
  expect(askable([])).toEqual([]);
});

it('the first way is taken until another is picked', () => {
  expect(chosenWay(null, '')).toBeUndefined();
  expect(chosenWay([password, directory], '')).toBe('password');
  expect(chosenWay([password, directory], 'ldap')).toBe('ldap');
  expect(chosenWay([password, directory], 'gone')).toBe('password');
});

it('ways of other sites are links that bring back to where one wanted to be', () => {
  const url = 'https://hub.example/hub/sign-in/oidc/lab';
  const lab = { name: 'oidc:lab', title: 'The lab', fields: [], url };
  expect(elsewhere([password, lab, { ...lab, url: 'javascript:alert(1)' }])).toEqual([lab]);
  expect(askable([password, lab])).toEqual([password]);
  expect(departure(lab, null)).toBe(url);
  expect(departure(lab, '/s/a/lab?b=c&d')).toBe(`${url}?next=%2Fs%2Fa%2Flab%3Fb%3Dc%26d`);
});

it('a page is found again with what it looked for, and without what led to the sign-in', () => {
  const at = (path: string): string => pageOf(`https://hub.example${path}`);
  expect(at('/hub/admin/audit?person=bo&days=7')).toBe('/hub/admin/audit?person=bo&days=7');
  expect(at('/hub/start?environment=r&from=https%3A%2F%2Fa.example%2Fb')).toBe(
    '/hub/start?environment=r&from=https%3A%2F%2Fa.example%2Fb',
  );
  expect(at('/hub/?link=used')).toBe('/hub/');
  expect(at('/hub/?problem=refused&next=%2Fs%2Fa%2F')).toBe('/hub/');
});

it('what is wrong has a sentence of ours, and never one of an address', () => {
  expect(problemElsewhere('taken')).toMatch(/has your name already/);
  expect(problemElsewhere('Send your password to evil.example')).toBeNull();
  expect(problemElsewhere(null)).toBeNull();
});
