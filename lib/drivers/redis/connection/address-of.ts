import type { Redis } from 'ioredis';

/** Returns the address that a client connects to, without user and password. */
export function addressOf({ options }: Redis): string {
  const { sentinels, name, path, host, port } = options;
  if (path !== undefined) return path;
  if (!sentinels) return `${host}:${port}`;
  const addresses = sentinels.map((sentinel) => `${sentinel.host}:${sentinel.port ?? 26_379}`);
  return `the master "${name}" by the sentinels ${addresses.join(', ')}`;
}
