import { expect, it } from 'vitest';
import { askable, chosenWay } from './sign-in.ts';

const password = { name: 'password', title: 'Name and password', fields: ['name', 'password'] };
const directory = { name: 'ldap', title: 'Your university', fields: ['name', 'password'] };
const card = { name: 'card', title: 'A card', fields: ['pin'] };

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
