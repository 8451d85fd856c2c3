/** Gives the texts of a file in the language of this build to the file: wuchale puts the calls in. */
import toRuntime from 'wuchale/runtime';
import { LANGUAGE } from '@rsparkhub/ui/language';

const made = new WeakMap();

export function getRuntime(catalogs) {
  let texts = made.get(catalogs);
  if (!texts) made.set(catalogs, (texts = toRuntime(catalogs[LANGUAGE], LANGUAGE)));
  return texts;
}

export const getRuntimeRx = getRuntime;
