import { createHash } from 'node:crypto';
import {
  credsAuthenticator,
  nkeyAuthenticator,
  nkeys,
  type ConnectionOptions,
} from '@nats-io/transport-node';
import { Authority } from './certificates.js';
import type { StartNatsOptions } from './nats-server.js';
import { newNkeySeed, secret } from './secrets.js';

/** A server that asks for credentials, and what a client shows it. */
export interface NatsLogin {
  /** For `startNats`. */
  readonly server: Pick<StartNatsOptions, 'config' | 'files'>;
  /** For `connect` of the client library. */
  readonly client: ConnectionOptions;
}

export function passwordLogin(): NatsLogin {
  const [user, pass] = ['orders', secret('user')];
  const authorization = { user, password: pass };
  return { server: { config: { authorization } }, client: { user, pass } };
}

export function tokenLogin(): NatsLogin {
  const token = secret('server');
  return { server: { config: { authorization: { token } } }, client: { token } };
}

/** A key pair of the user, of which the server knows the public part. */
export function nkeyLogin(): NatsLogin & { readonly seed: string } {
  const user = newPair('user');
  const authorization = { users: [{ nkey: user.publicKey }] };
  const authenticator = nkeyAuthenticator(bytesOf(user.seed));
  return { server: { config: { authorization } }, client: { authenticator }, seed: user.seed };
}

/** A user whom an account has signed, which an operator has signed: the text of a `.creds` file. */
export function credsLogin(): NatsLogin & { readonly creds: string } {
  const [operator, system, account, user] = [
    newPair('operator'),
    newPair('account'),
    newPair('account'),
    newPair('user'),
  ];
  const config = {
    operator: token(operator, operator.publicKey, { type: 'operator' }),
    system_account: system.publicKey,
    resolver: 'MEMORY',
    resolver_preload: {
      [system.publicKey]: token(operator, system.publicKey, { type: 'account' }),
      [account.publicKey]: token(operator, account.publicKey, {
        type: 'account',
        limits: { ...UNLIMITED, ...STORAGE },
      }),
    },
  };
  const creds = [
    '-----BEGIN NATS USER JWT-----',
    token(account, user.publicKey, { type: 'user', ...UNLIMITED }),
    '------END NATS USER JWT------',
    '',
    '-----BEGIN USER NKEY SEED-----',
    user.seed,
    '------END USER NKEY SEED------',
    '',
  ].join('\n');
  const client = { authenticator: credsAuthenticator(bytesOf(creds)) };
  return { server: { config }, client, creds };
}

/**
 * TLS with a certificate of a private authority.
 *
 * @param options `name` stands in the server's certificate: where a client connects to an IP address,
 * the client library compares the certificate with `localhost`. `mutual`: the server asks clients for a
 * certificate of the same authority
 */
export function tlsLogin({ name = 'localhost', mutual = false } = {}): NatsLogin {
  const authority = new Authority();
  const { cert, key } = authority.issue(name);
  const files = { 'cert.pem': cert, 'key.pem': key, 'ca.pem': authority.cert };
  const tls = {
    cert_file: 'cert.pem',
    key_file: 'key.pem',
    ...(mutual && { ca_file: 'ca.pem', verify: true }),
  };
  const own = mutual ? authority.issue('client') : {};
  return {
    server: { config: { tls }, files },
    client: { tls: { ca: authority.cert, ...own } },
  };
}

const UNLIMITED = { subs: -1, data: -1, payload: -1 };
/** An account without these cannot use JetStream. */
const STORAGE = {
  ...{ conn: -1, leaf: -1, imports: -1, exports: -1, wildcards: true },
  ...{ mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 },
};

interface Pair {
  readonly seed: string;
  readonly publicKey: string;
}

function newPair(kind: 'operator' | 'account' | 'user'): Pair {
  const seed = newNkeySeed(kind);
  return { seed, publicKey: nkeys.fromSeed(bytesOf(seed)).getPublicKey() };
}

/** What one key says of another: a JSON web token as NATS has it. */
function token(issuer: Pair, subject: string, claims: Readonly<Record<string, unknown>>): string {
  const body = {
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.publicKey,
    jti: createHash('sha256').update(subject).digest('hex'),
    name: subject.slice(0, 8),
    nats: { version: 2, ...claims },
    sub: subject,
  };
  const signed = `${encoded({ alg: 'ed25519-nkey', typ: 'JWT' })}.${encoded(body)}`;
  const signature = nkeys.fromSeed(bytesOf(issuer.seed)).sign(bytesOf(signed));
  return `${signed}.${Buffer.from(signature).toString('base64url')}`;
}

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
