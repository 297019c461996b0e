import { TLSSocket } from 'node:tls';
import type { Redis } from 'ioredis';
import { RedisConnectionError, TlsConnectionError } from './redis-connection.errors.js';

/** What to do about errors that Node and OpenSSL report, by their code. */
const TLS_REMEDIES: readonly (readonly [code: RegExp, remedy: string])[] = [
  [
    /SELF_SIGNED_CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|CERT_UNTRUSTED|CERT_SIGNATURE/,
    "The authority that signed the server's certificate is not trusted: set tls.ca to its certificate.",
  ],
  [
    /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/,
    "The server's certificate is not valid at this time: renew it, or set the clock.",
  ],
  [
    /ALTNAME_INVALID/,
    "The server's certificate is for another name: connect by a name that is in the certificate, or set tls.servername to one.",
  ],
  [
    /TLS_UNANSWERED|WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION/,
    'The server does not speak TLS on this port, or no version that both know: connect to its TLS port, or without tls.',
  ],
  [
    /SSLV3_ALERT|TLSV1_ALERT|TLSV13_ALERT/,
    "The server refused this client's certificate: set tls.cert and tls.key to a certificate signed by an authority that the server trusts.",
  ],
  [
    /TLS_CLOSED/,
    'The server hung up once TLS was agreed upon: if it asks for certificates of clients, set tls.cert and tls.key to a certificate signed by an authority that the server trusts.',
  ],
];

/** Codes of this library, for failures that show only by how far a connection came. */
const UNANSWERED = 'TLS_UNANSWERED';
const CLOSED = 'TLS_CLOSED';

const LOGIN_REFUSED = 'Nothing was sent; correct the user name and the password.';

/**
 * Makes the error for a connection that could not be made (`not-sent`), or that broke.
 * @param advice what to do, where the cause says nothing more certain
 */
export function connectionError(
  outcome: RedisConnectionError['outcome'],
  action: string,
  cause: unknown,
  advice?: string,
): RedisConnectionError {
  const remedy = tlsRemedy(cause);
  if (remedy !== undefined && outcome === 'not-sent') {
    return new TlsConnectionError(action, cause, remedy);
  }
  const refused = cause instanceof Error && /^(WRONGPASS|NOAUTH|ERR AUTH)/.test(cause.message);
  return new RedisConnectionError(outcome, action, cause, refused ? LOGIN_REFUSED : advice);
}

function tlsRemedy(cause: unknown): string | undefined {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return TLS_REMEDIES.find(([known]) => known.test(code))?.[1];
}

/** Collects the errors of all sentinels: ioredis itself reports only the last one, or none. */
export function noMaster(reason: unknown, sentinels: readonly Error[]): Error | undefined {
  if (!(reason instanceof Error && reason.message.startsWith('All sentinels'))) return undefined;
  const said = sentinels.map(({ message }) =>
    message.replace(
      ' successfully, but got an invalid reply: null',
      ', which knows no master of this name',
    ),
  );
  return new Error(`no sentinel led to the master: ${said.join('; ')}`);
}

/** A server without TLS takes the handshake for a part of a command, and waits for the rest. */
export function unansweredTls(client: Redis | undefined): Error | undefined {
  const stream = client && tlsStream(client);
  if (!stream || stream.connecting || !stream.secureConnecting) return undefined;
  return Object.assign(new Error('TLS was not answered'), { code: UNANSWERED });
}

/**
 * Returns an error that names TLS, where the connection ended for that reason before it was ready.
 */
export function handshakeError(error: unknown, client: Redis): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code === 'ETIMEDOUT') return unansweredTls(client) ?? error;
  const ended = code === 'ECONNRESET' || code === 'EPIPE' || message === 'Connection is closed.';
  if (!ended || tlsStream(client)?.secureConnecting !== false) return error;
  return Object.assign(new Error(String(message), { cause: error }), { code: CLOSED });
}

function tlsStream(client: Redis): (TLSSocket & { secureConnecting?: boolean }) | undefined {
  const { stream } = client as { stream: unknown };
  return stream instanceof TLSSocket ? stream : undefined;
}

/**
 * ioredis listens only to the first error of a socket. When this side gives up a TLS handshake, the
 * other side may answer with an alert: that second error would end the process.
 */
export function hearLaterErrors(client: Redis): void {
  const { stream } = client as { stream: unknown };
  if (stream instanceof TLSSocket) stream.on('error', () => undefined);
}
