import { inspect } from 'node:util';
import { nkeys } from '@nats-io/transport-node';
import { describe, expect, it } from 'vitest';
import { Authority } from '../support/certificates.js';
import { leakText, secretsIn, SecretWatch } from '../support/secret-watch.js';
import { newNkeySeed, secret, secretInUrl, SECRETS, wordOf } from '../support/secrets.js';

/** Not in a title, nor in an assertion that prints it: this suite's own output is searched, too. */
const names = (line: string): string[] => [...new Set(secretsIn(line).map((one) => one.secret))];
const password = secret('server');
const login = `default:${password}`;
const { key, cert } = new Authority().issue('somebody');

describe('the search for secrets', () => {
  it.each<[string, () => string]>([
    ['itself', () => `login ${password} refused`],
    ['in a URL', () => `redis://user:${secretInUrl('server')}@host`],
    ['in JSON', () => JSON.stringify({ password })],
    [
      'in colours, also of a part',
      () => `- ${password.replace('Server', '\u001b[7mServer\u001b[27m')}`,
    ],
    ['in base64', () => btoa(password)],
    ['in base64 behind one more character', () => btoa(`:${password}`)],
    ['in base64 behind two', () => btoa(`u:${password}`)],
    ['in base64url, with a name', () => Buffer.from(login).toString('base64url')],
    ['in hexadecimal', () => Buffer.from(login).toString('hex').toUpperCase()],
    ['in a buffer that is printed', () => inspect(Buffer.from(password))],
  ])('finds a password %s', (_, line) => {
    expect(names(line())).toEqual(['server']);
  });

  it('finds every secret by its name', () => {
    for (const name of SECRETS) expect(names(secret(name))).toEqual([name]);
  });

  it('finds a private key: its head, the line that holds it, its bytes, all of it encoded', () => {
    const lines = key.split('\n');
    const der = Buffer.from(lines.slice(1, -2).join(''), 'base64');
    for (const text of [lines[0]!, lines[2]!, btoa(key), der.toString('hex')]) {
      expect(names(text)).toEqual(['key']);
    }
  });

  it('finds the seed of an nkey, and not what is public of it', () => {
    const seed = newNkeySeed('user');
    expect(names(`login with ${seed} refused`)).toEqual(['key']);
    expect(seed).toMatch(/^SU[A-Z2-7]{56}$/);
    const pair = nkeys.fromSeed(new TextEncoder().encode(seed));
    expect(names(pair.getPublicKey())).toEqual([]);
  });

  it('finds nothing else', () => {
    const harmless = [cert, wordOf('server').slice(1), 'redis://***@host', '', 'a key', '✓ ok'];
    for (const text of harmless) expect(names(text)).toEqual([]);
  });
});

describe('a watch over output', () => {
  it('names secret and line, across pieces, and does not show it again', () => {
    const watch = new SecretWatch('stdout');
    const text = `one\ntwo\nlogin ${password} refused\n`;
    for (let at = 0; at < text.length; at += 7) watch.take(text.slice(at, at + 7));
    const [leak, ...others] = watch.end();
    expect(others).toEqual([]);
    const said = leakText(leak!);
    expect(secretsIn(said)).toEqual([]);
    expect(said).toMatch(
      /^Line 3 of stdout shows the secret "server" \(as it is\): login .* refused$/,
    );
  });

  it('sees a last line without an end', () => {
    const watch = new SecretWatch('stderr');
    watch.take(`a\n${password}`);
    expect(watch.leaks).toEqual([]);
    expect(watch.end()).toMatchObject([{ line: 2, place: 'stderr' }]);
  });
});
