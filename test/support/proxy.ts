import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

interface Link {
  readonly client: Socket;
  readonly upstream: Socket;
  /** Bytes are swallowed both ways and no end is passed on. Stays so: what is missing stays missing. */
  stalled: boolean;
  /** Its replies are swallowed from the next one that brings entries. */
  reading: boolean;
}

/**
 * Starts a TCP proxy on loopback before a server on loopback.
 * @param server its port, or its url: then the proxy's url has the login, too
 */
export async function startProxy(server: number | string): Promise<Proxy> {
  const url = new URL(typeof server === 'string' ? server : `redis://127.0.0.1:${server}`);
  const proxy = new Proxy(Number(url.port), url);
  await proxy.open();
  return proxy;
}

/** A network that can break between a client and a server. */
export class Proxy {
  private readonly server: Server;
  private readonly links = new Set<Link>();
  private stalling = false;
  private swallow: (() => void) | undefined;
  private cutting: (() => void) | undefined;
  /** Changes what passes, as if another server stood behind. To texts of the same length. */
  rewrite: { requests?: (text: string) => string; replies?: (text: string) => string } = {};

  constructor(
    private target: number,
    private readonly targetUrl: URL,
  ) {
    this.server = createServer((client) => this.accept(client));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    const url = new URL(this.targetUrl);
    url.host = `127.0.0.1:${this.port}`;
    return url.href;
  }

  get connections(): number {
    return this.links.size;
  }

  async open(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  /** New connections go to another server. Those that stand stay where they are. */
  point(port: number): void {
    this.target = port;
  }

  /** Breaks every connection. New ones work. */
  cut(): void {
    for (const link of this.links) this.end(link);
  }

  /**
   * Breaks every connection at the client's end only. New ones work; the server goes on with the old
   * ones, and a read that is blocked there may still take entries.
   */
  cutUnnoticed(): void {
    for (const link of this.links) {
      link.stalled = true;
      link.client.destroy();
    }
  }

  /**
   * Half-open: sockets stay open, nothing passes either way, also on new connections. The server
   * still believes in its connections, and may hand entries to a reader that never sees them.
   */
  stall(): void {
    this.stalling = true;
    for (const link of this.links) link.stalled = true;
  }

  /** New connections work again. Those that were stalled stay so, as bytes of theirs are missing. */
  resume(): void {
    this.stalling = false;
  }

  /** Swallows the next reply to XREADGROUP that brings entries, and cuts its connection. Resolves then. */
  swallowEntries(): Promise<void> {
    return new Promise((resolve) => (this.swallow = resolve));
  }

  /** Swallows the next reply and cuts its connection. Resolves then. */
  cutAtReply(): Promise<void> {
    return new Promise((resolve) => (this.cutting = resolve));
  }

  async close(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  private accept(client: Socket): void {
    const upstream = connect(this.target, '127.0.0.1');
    const link: Link = { client, upstream, stalled: this.stalling, reading: false };
    this.links.add(link);
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    client.on('data', (chunk) => this.toServer(link, chunk));
    upstream.on('data', (chunk) => this.toClient(link, chunk));
    for (const socket of [client, upstream]) {
      socket.on('error', () => undefined);
      socket.on('close', () => this.closed(link));
    }
  }

  private toServer(link: Link, chunk: Buffer): void {
    if (link.stalled) return;
    link.reading ||= chunk.includes('XREADGROUP');
    link.upstream.write(rewritten(chunk, this.rewrite.requests));
  }

  private toClient(link: Link, chunk: Buffer): void {
    if (link.stalled) return;
    if (this.swallow && link.reading && bringsEntries(chunk)) {
      this.swallow();
      this.swallow = undefined;
      this.end(link);
    } else if (this.cutting) {
      this.cutting();
      this.cutting = undefined;
      this.end(link);
    } else {
      link.client.write(rewritten(chunk, this.rewrite.replies));
    }
  }

  private closed(link: Link): void {
    // The other end of a stalled connection does not hear of it.
    if (!link.stalled || (link.client.destroyed && link.upstream.destroyed)) this.end(link);
  }

  private end(link: Link): void {
    this.links.delete(link);
    link.client.destroy();
    link.upstream.destroy();
  }
}

/** A map (RESP3) or an array that is not null, perhaps after the reply to CLIENT ID. */
function bringsEntries(chunk: Buffer): boolean {
  return /^(:\d+\r\n)?(%|\*(?!-))/.test(chunk.toString('latin1', 0, 32));
}

function rewritten(chunk: Buffer, change: ((text: string) => string) | undefined): Buffer {
  return change ? Buffer.from(change(chunk.toString('latin1')), 'latin1') : chunk;
}
