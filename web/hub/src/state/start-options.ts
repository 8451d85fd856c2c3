/** What a person chooses at a start where the environment offers it. Pure; the hub checks the values. */
import type { StartOptionView as StartOption } from './api-types.ts';

export type { StartOption };
/** What stands in the fields, by the options' names; the hub reads numbers and yes or no from text. */
export type Choices = Record<string, string>;

/** Return what a value is in a field. */
function asText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : '';
}

/** Return what the fields have at first: the defaults, but for what a link says. */
export function initialChoices(options: readonly StartOption[], said: Choices = {}): Choices {
  return Object.fromEntries(
    options.map((option) => [option.name, said[option.name] ?? asText(option.default)]),
  );
}

/** Return what is sent: what was chosen otherwise than the default, so that a link or a start says no more than it must. */
export function chosenValues(options: readonly StartOption[], choices: Choices): Choices {
  const said = options
    .map(({ name, default: usual }): [string, string, string] => [
      name,
      (choices[name] ?? '').trim(),
      asText(usual),
    ])
    .filter(([, value, usual]) => value !== usual)
    .map(([name, value]): [string, string] => [name, value]);
  return Object.fromEntries(said);
}

/** Return an option's value as a person reads it. */
export function valueText(option: StartOption, value: unknown): string {
  if (option.kind === 'yes-no') return value === true ? /* @wc-include */ 'yes' : /* @wc-include */ 'no';
  return option.choices.find((choice) => choice.value === value)?.title ?? asText(value);
}
