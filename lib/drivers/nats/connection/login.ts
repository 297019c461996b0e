import { readFileSync } from 'node:fs';
import type { Authenticator } from '@nats-io/transport-node';
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
  if (nkey !== undefined) return transport.nkeyAuthenticator(bytes(nkey));
  if (credentials !== undefined) {
    return transport.credsAuthenticator(() => bytes(textOf(credentials)));
  }
  const inUrl = servers.find(({ user, token }) => user !== undefined || token !== undefined);
  const { user, password, token } = (options.user ?? options.token) ? options : (inUrl ?? {});
  if (token !== undefined) return transport.tokenAuthenticator(token);
  return user === undefined ? undefined : transport.usernamePasswordAuthenticator(user, password);
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The text itself, or that of the file. */
const textOf = (credentials: string): string =>
  credentials.includes('-----BEGIN ') ? credentials : readFileSync(credentials, 'utf8');
