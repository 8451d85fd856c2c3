/** Pages of an older version, after the hub was brought up to date: parts of theirs are no longer there to be loaded. */

const KEY = 'rsparkhub.reloaded';
const REST = 60_000; // ms between two reloads that nobody asked for

export interface UpgradeOptions {
  /** The text of the hub's page as it is now; throws when the hub does not answer. */
  readIndex: () => Promise<string>;
  /** The address of the script that runs. */
  script: string;
  storage: Pick<Storage, 'getItem' | 'setItem'>;
  now: () => number;
  reload: () => void;
}

/** Reload the page when the hub has pages of another version; never again and again. */
export async function reloadIfOlder(options: UpgradeOptions): Promise<void> {
  if (!(await options.readIndex()).includes(options.script)) reloadOnce(options);
}

/** Reload the page when the hub answers, whatever its version: a browser may remember that a part was not to be had. */
export async function reloadWhenAnswered(options: UpgradeOptions): Promise<void> {
  await options.readIndex();
  reloadOnce(options);
}

function reloadOnce({ storage, now, reload }: UpgradeOptions): void {
  try {
    if (now() - Number(storage.getItem(KEY) ?? 0) < REST) return;
    storage.setItem(KEY, String(now()));
  } catch {
    return; // without storage it could not be known that this is not the second time
  }
  reload();
}

export function browserUpgrade(): UpgradeOptions {
  return {
    readIndex: async () => {
      const answer = await fetch('/hub/', { cache: 'no-store', signal: AbortSignal.timeout(10_000) });
      if (!answer.ok) throw new Error(`The hub answered ${answer.status}.`);
      return answer.text();
    },
    script: new URL(
      document.querySelector<HTMLScriptElement>('script[type=module]')?.src ?? '',
      location.href,
    ).pathname,
    storage: sessionStorage,
    now: () => Date.now(),
    reload: () => location.reload(),
  };
}
