import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** What is answered to a request. */
export interface PortAnswer {
  /** Status of HTTP. */
  readonly status: number;
  readonly contentType: string;
  /** A long page is a stream, so that the event loop goes on between its pieces. */
  readonly body: string | Readable;
}

/** Paths, and what a GET of each answers. Slashes at both ends of a path do not matter. */
export type Pages = Readonly<Record<string, () => Promise<PortAnswer>>>;

const SERVERS = new Map<string, PageServer>();

/** One HTTP server for the pages of several modules on one port. */
export class PageServer {
  private readonly pages = new Map<string, () => Promise<PortAnswer>>();
  private server: Server | undefined;
  private listening: Promise<void> | undefined;

  private constructor(
    private readonly key: string,
    private readonly at: { readonly port: number; readonly host: string | undefined },
  ) {}

  /** The server of this process at this port. Port 0 is another one each time. */
  static at(port: number, host: string | undefined): PageServer {
    const key = `${host ?? ''} ${port}`;
    const server = SERVERS.get(key) ?? new PageServer(key, { port, host });
    if (port !== 0) SERVERS.set(key, server);
    return server;
  }

  /** The port on which it listens. Undefined: it does not. */
  get port(): number | undefined {
    return (this.server?.address() as AddressInfo | null | undefined)?.port;
  }

  /** Serves these pages, too. @throws Error where it cannot, and where one of the pages is there */
  async add(pages: Pages): Promise<void> {
    const paths = Object.keys(pages).map(pathOf);
    const taken = paths.find((path) => this.pages.has(path));
    if (taken !== undefined) throw new Error(`this process has a page ${taken} there`);
    for (const [path, page] of Object.entries(pages)) this.pages.set(pathOf(path), page);
    try {
      await (this.listening ??= this.listen());
    } catch (error) {
      await this.remove(pages);
      throw error;
    }
  }

  /** Ends with its last page. */
  async remove(pages: Pages): Promise<void> {
    for (const path of Object.keys(pages)) this.pages.delete(pathOf(path));
    if (this.pages.size > 0) return;
    if (SERVERS.get(this.key) === this) SERVERS.delete(this.key);
    const { server } = this;
    this.server = undefined;
    if (!server) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }

  private async listen(): Promise<void> {
    const server = createServer((request, response) => void this.answer(request, response));
    server.listen(this.at);
    await once(server, 'listening');
    // A connection that cannot be accepted, as where the process has no file handle left.
    server.on('error', () => undefined);
    // A process that has nothing else to do may end.
    this.server = server.unref();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const page = this.pages.get(pathOf((request.url ?? '').split('?')[0]!));
    if (!page) return void response.writeHead(404).end();
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return void response.writeHead(405, { allow: 'GET, HEAD' }).end();
    try {
      const { status, contentType, body } = await page();
      response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
      if (typeof body === 'string') response.end(body);
      else await pipeline(body, response);
    } catch {
      // Within a page, only the end of the connection tells that the rest is missing.
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end();
    }
  }
}

const pathOf = (path: string): string => `/${path.split('/').filter(Boolean).join('/')}`;
