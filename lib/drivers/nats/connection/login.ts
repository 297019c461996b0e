import { readFileSync } from 'node:fs';
import type { Authenticator } from '@nats-io/transport-node';
import { NatsConnectionError } from '../errors/nats-connection.errors.js';
import type { NatsPackages } from './nats-packages.js';
import type { CompletedNatsOptions } from './nats.options.js';
import type { ServerAddress } from './server-address.js';

/** How a connection logs in. Undefined: without a login. Reads a credentials file at each connection. */
export function loginOf(
  options: Pick<CompletedNatsOptions, 'user' | 'password' | 'token' | 'nkey' | 'credentials'>,
  servers: readonly ServerAddress[],
  { transport }: NatsPackages,
): Authenticator | undefined {
  const { nkey, credentials } = options;
  if (nkey !== undefined) return naming('nkey', transport.nkeyAuthenticator(bytes(nkey)));
  if (credentials !== undefined) {
    return naming('credentials', transport.credsAuthenticator(credentialsOf(credentials)));
  }
  const inUrl = servers.find(({ user, token }) => user !== undefined || token !== undefined);
  const { user, password, token } = (options.user ?? options.token) ? options : (inUrl ?? {});
  if (token !== undefined) return transport.tokenAuthenticator(token);
  return user === undefined ? undefined : transport.usernamePasswordAuthenticator(user, password);
}

/** The same, whose error names the option: a damaged seed stays damaged. */
const naming =
  (option: 'nkey' | 'credentials', authenticator: Authenticator): Authenticator =>
  (nonce) => {
    try {
      return authenticator(nonce);
    } catch (error) {
      const remedy = `Nothing was sent; correct the option ${option}.`;
      throw new NatsConnectionError('not-sent', 'logging in', error, remedy);
    }
  };

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/**
 * What answers the text of the credentials at each connection. While a file cannot be read, because it
 * is being replaced, the text of before.
 */
function credentialsOf(given: string): () => Uint8Array {
  if (given.includes('-----BEGIN ')) return () => bytes(given);
  let last = read(given);
  return () => {
    try {
      last = read(given);
    } catch {}
    return last;
  };
}

/** @throws NatsConnectionError */
function read(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    const remedy = 'Nothing was sent; correct the path in the option credentials.';
    throw new NatsConnectionError('not-sent', 'reading the credentials', error, remedy);
  }
}
