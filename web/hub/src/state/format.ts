/** Numbers, sizes, times and lists as people read them, in the language of the pages. Pure, so that each has its test. */
import { count, LOCALE } from '@rsparkhub/ui/language';

export { count };

const AND = new Intl.ListFormat(LOCALE, { type: 'conjunction' });
const OR = new Intl.ListFormat(LOCALE, { type: 'disjunction' });

export function list(words: readonly string[]): string {
  return AND.format(words);
}

/** "failed", "failed or stopped", "running, failed or stopped". */
export function alternatives(words: readonly string[]): string {
  return OR.format(words);
}

const ORDER = new Intl.PluralRules(LOCALE, { type: 'ordinal' });

export function ordinal(n: number): string {
  switch (ORDER.select(n)) {
    case 'one':
      return /* @wc-include */ `${n}st`;
    case 'two':
      return /* @wc-include */ `${n}nd`;
    case 'few':
      return /* @wc-include */ `${n}rd`;
    default:
      return /* @wc-include */ `${n}th`;
  }
}

/** A number with so many digits after the point, or up to so many. */
function digits(n: number, most: number, least = most): string {
  return n.toLocaleString(LOCALE, {
    minimumFractionDigits: least,
    maximumFractionDigits: most,
    useGrouping: false,
  });
}

const SIZES = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** A size in the units people know, with at most one digit after the point. */
export function bytes(n: number): string {
  let [value, unit] = [n, 0];
  while (value >= 999.5 && unit < SIZES.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${digits(value, unit > 0 && value < 9.95 ? 1 : 0)} ${SIZES[unit] ?? ''}`;
}

/** Memory in the binary units that environments are written in: 4Gi is "4 GB" to a person. */
export function memory(n: number): string {
  const gibi = n / 2 ** 30;
  if (gibi >= 1) return `${trimmed(gibi)} GB`;
  return `${Math.round(n / 2 ** 20)} MB`;
}

export function memoryOf(used: number | null, most: number | null): string {
  if (used === null) return '–';
  if (most === null) return memory(used);
  // The unit once where it is the same: "1.2 of 4 GB".
  const [one, other] = [memory(used), memory(most)];
  return one.endsWith(' GB') && other.endsWith(' GB')
    ? `${one.slice(0, -3)} of ${other}`
    : `${one} of ${other}`;
}

export function cores(used: number | null, most: number | null): string {
  if (used === null) return '–';
  return most === null ? digits(used, 1) : `${digits(used, 1)} of ${trimmed(most)}`;
}

function trimmed(value: number): string {
  return digits(value, 1, 0);
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A span in its one or two largest units. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return inUnit.s(seconds);
  const minutes = Math.floor(ms / MINUTE);
  if (minutes < 60) return inUnit.m(minutes);
  const hours = Math.floor((ms % DAY) / HOUR);
  if (ms < DAY) return two(inUnit.h(hours), Math.floor((ms % HOUR) / MINUTE), inUnit.m);
  return two(inUnit.d(Math.floor(ms / DAY)), hours, inUnit.h);
}

function two(large: string, small: number, unit: (n: number) => string): string {
  return small === 0 ? large : `${large} ${unit(small)}`;
}

/** A number of days, hours, minutes or seconds, by the letter that environments have for them. */
const inUnit = {
  d: (n: number): string => /* @wc-include */ `${n} d`,
  h: (n: number): string => /* @wc-include */ `${n} h`,
  m: (n: number): string => `${n} min`,
  s: (n: number): string => /* @wc-include */ `${n} s`,
};
const inWords: typeof inUnit = {
  d: (n) => count(n, ['day', 'days']),
  h: (n) => count(n, ['hour', 'hours']),
  m: (n) => count(n, ['minute', 'minutes']),
  s: (n) => count(n, ['second', 'seconds']),
};

/** How long ago; rough, so that it seldom changes while it is looked at. */
export function ago(time: string | null, now: number): string {
  if (time === null) return /* @wc-include */ 'never';
  const passed = now - Date.parse(time);
  if (passed < MINUTE) return 'just now';
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min ago`;
  if (passed < DAY) return `${Math.floor(passed / HOUR)} h ago`;
  const days = Math.floor(passed / DAY);
  if (days === 1) return /* @wc-include */ 'yesterday';
  return days < 30 ? `${days} days ago` : day(time, now);
}

/** A day, with the year only when it isn't this one. */
export function day(time: string, now: number): string {
  const date = new Date(time);
  const year = date.getFullYear() === new Date(now).getFullYear() ? {} : { year: 'numeric' as const };
  return date.toLocaleDateString(LOCALE, { day: 'numeric', month: 'short', ...year });
}

/** A moment as a person would say it: "14:32", "yesterday 14:32", "3 Nov 14:32". */
export function moment(time: string, now: number): string {
  const date = new Date(time);
  const clock = date.toLocaleTimeString(LOCALE, { hour: '2-digit', minute: '2-digit' });
  const days = Math.round((midnight(now) - midnight(date.getTime())) / DAY);
  if (days === 0) return clock;
  if (days === 1) return `yesterday ${clock}`;
  if (days === -1) return `tomorrow ${clock}`;
  return `${day(time, now)} ${clock}`;
}

/** The same after a verb, such as "sleeps": "at 14:32", "tomorrow 14:32". */
export function atMoment(time: string, now: number): string {
  const said = moment(time, now);
  return said.includes(' ') ? said : `at ${said}`;
}

/** A time as a field of a form has it, in the browser's zone; nothing for none. */
export function inField(time: string | null): string {
  if (!time) return '';
  const date = new Date(time);
  return new Date(date.getTime() - date.getTimezoneOffset() * MINUTE).toISOString().slice(0, 16);
}

function midnight(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}

/** The full time, for a hint. */
export function exact(time: string): string {
  return new Date(time).toLocaleString(LOCALE, { dateStyle: 'full', timeStyle: 'long' });
}

/** A duration as environments write it (`1h30m`), in words. */
export function duration(text: string): string {
  return spelled(text, inWords);
}

/** The same, short: "1 h 30 min". */
export function shortDuration(text: string): string {
  return spelled(text, inUnit);
}

function spelled(text: string, units: typeof inUnit): string {
  const parts = [...text.matchAll(/(\d+)([dhms])/g)].map(([, n, unit]) =>
    units[unit as keyof typeof inUnit](Number(n)),
  );
  return parts.length > 0 ? parts.join(' ') : text;
}

/** A name that none of these has: "RSpark", "RSpark 2", … */
export function freeName(title: string, taken: readonly string[]): string {
  for (let n = 1; ; n++) {
    const name = n === 1 ? title : `${title} ${n}`;
    if (!taken.includes(name)) return name;
  }
}

/** The expected time, not more exact than it is known. */
export function about(seconds: number): string {
  if (seconds < 5) return 'a few seconds';
  if (seconds < 10) return `about ${Math.round(seconds)} s`;
  if (seconds < 58) return `about ${Math.round(seconds / 5) * 5} s`;
  const minutes = Math.round(seconds / 60);
  return `about ${count(minutes, ['minute', 'minutes'])}`;
}

/** For which R a home keeps packages: each version has a library of its own, and each image where there are images. */
export function packagesOf(images: boolean): string {
  return images ? 'for this version of R and this image' : 'for this version of R';
}
