import { expect, it } from 'vitest';
import { chosenValues, initialChoices, valueText, type StartOption } from './start-options.ts';

const none = { description: '', choices: [], least: null, most: null };
const OPTIONS: StartOption[] = [
  {
    ...none,
    name: 'size',
    title: 'Size',
    kind: 'choice',
    default: 'small',
    choices: [
      { value: 'small', title: 'Small' },
      { value: 'large', title: 'Large, 4 cores' },
    ],
  },
  { ...none, name: 'workers', title: 'Workers', kind: 'number', default: 2, least: 1, most: 8 },
  { ...none, name: 'trace', title: 'Trace', kind: 'yes-no', default: false },
];

it('the fields begin with the defaults, and with what a link says', () => {
  expect(initialChoices(OPTIONS)).toEqual({ size: 'small', workers: '2', trace: 'false' });
  expect(initialChoices(OPTIONS, { size: 'large', gone: 'x' })).toEqual({
    size: 'large',
    workers: '2',
    trace: 'false',
  });
});

it('what is at its default is not sent', () => {
  expect(chosenValues(OPTIONS, initialChoices(OPTIONS))).toEqual({});
  expect(chosenValues(OPTIONS, { size: 'large', workers: ' 4 ', trace: 'true' })).toEqual({
    size: 'large',
    workers: '4',
    trace: 'true',
  });
});

it('a value is read by its title', () => {
  expect(OPTIONS.map((option, at) => valueText(option, ['large', 4, true][at]))).toEqual([
    'Large, 4 cores',
    '4',
    'yes',
  ]);
});
