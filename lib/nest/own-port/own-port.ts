import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { asError } from '../../core/errors/error-record.js';
import { InvalidOptionsError } from '../../core/errors/start-up.errors.js';

/** What is answered to a request. */
export interface PortAnswer {
  /** Status of HTTP. */
  readonly status: number;
  readonly contentType: string;
  /** A long page is a stream, so that the event loop goes on between its pieces. */
  readonly body: string | Readable;
}

/** Where a server listens, and what it answers. */
export interface OwnPortOptions {
  /** The module that the port belongs to, for errors. */
  readonly of: string;
  /** 0: any free one. */
  readonly port: number;
  /** @default all addresses */
  readonly host: string | undefined;
  /** Paths with a slash at their beginning, and what a GET of each answers. */
  readonly pages: Readonly<Record<string, () => Promise<PortAnswer>>>;
}

/** A small HTTP server on a port of its own, for an application without HTTP. */
export class OwnPort {
  private server: Server | undefined;

  constructor(private readonly options: OwnPortOptions) {}

  /** The port on which it listens. Undefined: it does not. */
  get port(): number | undefined {
    return (this.server?.address() as AddressInfo | null | undefined)?.port;
  }

  /** @throws InvalidOptionsError where the port cannot be had */
  async listen(): Promise<void> {
    const { of, port, host } = this.options;
    const server = createServer((request, response) => void this.answer(request, response));
    try {
      server.listen({ port, host });
      await once(server, 'listening');
    } catch (thrown) {
      throw new InvalidOptionsError([
        `port ${port} of ${of} cannot be listened on: ${asError(thrown).message}. Choose another one`,
      ]);
    }
    // A process that has nothing else to do may end.
    this.server = server.unref();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (!server) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path] = (request.url ?? '').split('?');
    const { pages } = this.options;
    const page = Object.hasOwn(pages, path!) ? pages[path!] : undefined;
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
