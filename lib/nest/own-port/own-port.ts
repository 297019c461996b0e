import { asError } from '../../core/errors/error-record.js';
import { InvalidOptionsError } from '../../core/errors/start-up.errors.js';
import { PageServer, type Pages } from './page-server.js';

/** Where a server listens, and what it answers. */
export interface OwnPortOptions {
  /** The module that the port belongs to, for errors. */
  readonly of: string;
  /** 0: any free one. */
  readonly port: number;
  /** @default all addresses */
  readonly host: string | undefined;
  readonly pages: Pages;
}

/**
 * A small HTTP server on a port of its own, for an application without HTTP. Modules of one process that
 * name the same port and host share the server.
 */
export class OwnPort {
  private server: PageServer | undefined;

  constructor(private readonly options: OwnPortOptions) {}

  /** The port on which it listens. Undefined: it does not. */
  get port(): number | undefined {
    return this.server?.port;
  }

  /** @throws InvalidOptionsError where the port cannot be had */
  async listen(): Promise<void> {
    const { of, port, host, pages } = this.options;
    const server = PageServer.at(port, host);
    try {
      await server.add(pages);
    } catch (thrown) {
      throw new InvalidOptionsError([
        `port ${port} of ${of} cannot be listened on: ${asError(thrown).message}. Choose another one`,
      ]);
    }
    this.server = server;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    await server?.remove(this.options.pages);
  }
}
