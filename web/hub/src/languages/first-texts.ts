/**
 * What `index.html` says before anything of the app is there, in each other language. The build of a language puts it there
 * (`vite.config.ts`); nothing reads this in a browser.
 */
export const FIRST_TEXTS: Record<string, Record<string, string>> = {
  de: {
    'R, Spark and PostgreSQL in the browser, asleep and awake again':
      'R, Spark und PostgreSQL im Browser, schlafend und wieder wach',
    "RSparkHub's pages need JavaScript. The command line, <code>rsparkhub</code>, works without.":
      'Die Seiten von RSparkHub brauchen JavaScript. Die Kommandozeile, <code>rsparkhub</code>, kommt ohne aus.',
  },
};
