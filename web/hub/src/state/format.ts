/** Numbers, sizes, times and lists as people read them. Pure, so that each has its test. */

export function list(words: readonly string[]): string {
  if (words.length <= 1) return words[0] ?? '';
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}

/** "failed", "failed or stopped", "running, failed or stopped". */
export function alternatives(words: readonly string[]): string {
  if (words.length <= 1) return words[0] ?? '';
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`;
}

export function ordinal(n: number): string {
  const tens = n % 100;
  const suffix = tens >= 11 && tens <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th');
  return `${n}${suffix}`;
}

export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
}

const SIZES = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** A size in the units people know, with at most one digit after the point. */
export function bytes(n: number): string {
  let [value, unit] = [n, 0];
  while (value >= 999.5 && unit < SIZES.length - 1) [value, unit] = [value / 1000, unit + 1];
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${SIZES[unit] ?? ''}`;
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
  return most === null ? used.toFixed(1) : `${used.toFixed(1)} of ${trimmed(most)}`;
}

function trimmed(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A span in its one or two largest units. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(ms / MINUTE);
  if (minutes < 60) return `${minutes} min`;
  if (ms < DAY) return two(Math.floor(ms / HOUR), 'h', Math.floor((ms % HOUR) / MINUTE), 'min');
  return two(Math.floor(ms / DAY), 'd', Math.floor((ms % DAY) / HOUR), 'h');
}

function two(large: number, unit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`;
}

/** How long ago; rough, so that it seldom changes while it is looked at. */
export function ago(time: string | null, now: number): string {
  if (time === null) return 'never';
  const passed = now - Date.parse(time);
  if (passed < MINUTE) return 'just now';
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min ago`;
  if (passed < DAY) return `${Math.floor(passed / HOUR)} h ago`;
  const days = Math.floor(passed / DAY);
  return days === 1 ? 'yesterday' : days < 30 ? `${days} days ago` : day(time, now);
}

/** A day, with the year only when it isn't this one. */
export function day(time: string, now: number): string {
  const date = new Date(time);
  const year = date.getFullYear() === new Date(now).getFullYear() ? {} : { year: 'numeric' as const };
  return date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', ...year });
}

/** A moment as a person would say it: "14:32", "yesterday 14:32", "3 Nov 14:32". */
export function moment(time: string, now: number): string {
  const date = new Date(time);
  const clock = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
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
  return new Date(time).toLocaleString('en-GB', { dateStyle: 'full', timeStyle: 'long' });
}

/** A duration as environments write it (`1h30m`), in words. */
export function duration(text: string): string {
  const units: Record<string, [string, string]> = {
    d: ['day', 'days'],
    h: ['hour', 'hours'],
    m: ['minute', 'minutes'],
    s: ['second', 'seconds'],
  };
  const parts = [...text.matchAll(/(\d+)([dhms])/g)].map(([, n = '0', unit = 's']) => {
    const [one, many] = units[unit] ?? [unit, unit];
    return count(Number(n), one, many);
  });
  return parts.length > 0 ? parts.join(' ') : text;
}

/** The same, short: "1 h 30 min". */
export function shortDuration(text: string): string {
  const units: Record<string, string> = { d: 'd', h: 'h', m: 'min', s: 's' };
  const parts = [...text.matchAll(/(\d+)([dhms])/g)].map(
    ([, n = '0', unit = 's']) => `${n} ${units[unit] ?? unit}`,
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
  return `about ${count(minutes, 'minute')}`;
}

/** For which R a home keeps packages: each version has a library of its own, and each image where there are images. */
export function packagesOf(images: boolean): string {
  return images ? 'for this version of R and this image' : 'for this version of R';
}
