import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Certificate } from './certificates.js';
import { freePort } from './free-port.js';
import { startRedis, type RedisServer } from './redis-server.js';

/** Whether the redis-server on PATH was built with TLS: it tells by the directive that it stumbles over. */
export function hasTls(): boolean {
  const input = 'tls-port 0\nno-such-directive yes\n';
  const { stderr, stdout } = spawnSync('redis-server', ['-'], { input, encoding: 'utf8' });
  return `${stdout}${stderr}`.includes('no-such-directive');
}

export interface TlsRedis {
  readonly server: RedisServer;
  /** Where it speaks TLS; on the server's own port it speaks without. */
  readonly port: number;
  stop(): Promise<void>;
}

/** @param ca of the authority that clients' certificates must come from */
export async function startTlsRedis(
  certificate: Certificate,
  ca: string,
  { args = [], config }: { args?: readonly string[]; config?: string } = {},
): Promise<TlsRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'streams-tls-'));
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(dir, name), text, { mode: 0o600 });
    return join(dir, name);
  };
  const files = [
    ['--tls-cert-file', await file('cert.pem', certificate.cert)],
    ['--tls-key-file', await file('key.pem', certificate.key)],
    ['--tls-ca-cert-file', await file('ca.pem', ca)],
  ];
  const port = await freePort();
  const server = await startRedis({
    args: ['--tls-port', String(port), ...files.flat(), ...args],
    ...(config !== undefined && { config }),
  });
  const stop = async (): Promise<void> => {
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  };
  return { server, port, stop };
}
