// A real OpenID Connect provider for tests: npm's oidc-provider, with its own pages to sign in, where any password does.
// It reads {port, clients, people} as JSON from standard input, and writes a line when it listens.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const web = createRequire(new URL('../web/package.json', import.meta.url));
const { Provider } = await import(pathToFileURL(web.resolve('oidc-provider')));

const { port, clients, people } = JSON.parse(readFileSync(0, 'utf8'));
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients,
  claims: { openid: ['sub'], profile: ['preferred_username', 'name', 'groups'], email: ['email', 'email_verified'] },
  pkce: { required: () => true },
  cookies: { keys: ['a test of RSparkHub'] },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...(people[id] ?? {}) }) }),
});
provider.listen(port, '127.0.0.1', () => console.log('listening'));
