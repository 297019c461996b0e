import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** A redis-server of this sample alone, which may be killed. */
class RedisServer {
  private child: ChildProcess | undefined;

  private constructor(private readonly port: number) {}

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await freePort());
    // It does not outlive the sample.
    process.once('exit', () => server.child?.kill('SIGKILL'));
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const args = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--save', '', '--logfile', ''];
    this.child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(this.child, 'spawn').catch(() => {
      throw new Error('This sample kills a redis-server of its own: install redis-server.');
    });
    for await (const chunk of this.child.stdout!.setEncoding('utf8').iterator(KEEP_OPEN)) {
      if (String(chunk).includes('Ready to accept connections')) break;
    }
    this.child.stdout!.resume();
  }

  /** As a crash would: it closes nothing, and keeps nothing. */
  async kill(): Promise<void> {
    const ended = once(this.child!, 'exit');
    this.child!.kill('SIGKILL');
    await ended;
  }
}

const KEEP_OPEN = { destroyOnReturn: false };

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export const redisServer = await RedisServer.start();
