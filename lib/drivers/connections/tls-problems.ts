import { createSecureContext, type ConnectionOptions } from 'node:tls';
import { isRecord } from '../../core/option-schema/shape.js';

/**
 * Finds TLS options that would fail at each connection: a path in place of a text, a key of another
 * certificate.
 */
export function tlsProblems(option: string, given: unknown): string[] {
  if (!isRecord(given)) return [];
  const tls: ConnectionOptions = given;
  const paths = (['ca', 'cert', 'key'] as const).filter((part) => isNoPem(tls[part]));
  if (paths.length > 0) {
    return paths.map((part) => `${option}.${part} must be a PEM text or a Buffer, not a file name`);
  }
  if ((tls.cert === undefined) !== (tls.key === undefined) && tls.pfx === undefined) {
    return [`${option}.cert and ${option}.key belong together: give both, or neither`];
  }
  try {
    createSecureContext(tls);
    return [];
  } catch (error) {
    const { message } = error as Error;
    return [`${option} cannot be used (${message}): check ca, cert, key and passphrase`];
  }
}

const isNoPem = (part: unknown): boolean =>
  typeof part === 'string' && !part.includes('-----BEGIN ');
