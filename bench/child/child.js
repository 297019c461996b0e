// @ts-check
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const entry = fileURLToPath(new URL('main.js', import.meta.url));

/** The parent's end of a process that consumes or publishes as one system does. */
export class Child {
  /** @type {import('node:child_process').ChildProcess} */
  #process;
  /** @type {Promise<never>} */
  #died;

  /** @param {string} system @param {readonly string[]} execArgv */
  constructor(system, execArgv) {
    this.system = system;
    this.#process = fork(entry, [system], {
      // Typed arrays travel as they are.
      serialization: 'advanced',
      execArgv: [...execArgv],
      // What is printed to our stdout is the result, and nothing else.
      stdio: ['ignore', 2, 2, 'ipc'],
    });
    this.#died = once(this.#process, 'exit').then(([code, killedBy]) => {
      throw new Error(`the process of ${system} ended with ${code ?? killedBy}`);
    });
    this.#died.catch(() => undefined);
  }

  /** @param {string} system @param {readonly string[]} [execArgv] */
  static async start(system, execArgv = []) {
    const child = new Child(system, execArgv);
    await child.#answer();
    return child;
  }

  /**
   * One call at a time.
   *
   * @param {string} call
   * @param {object} [options]
   * @returns {Promise<any>}
   */
  async call(call, options) {
    const answer = this.#answer();
    // What cannot be sent, because the process has ended, is answered by its end.
    this.#process.send({ call, options }, () => undefined);
    const { result, error } = await answer;
    if (error) throw new Error(`${this.system} could not ${call}: ${error}`);
    return result;
  }

  async close() {
    if (this.#process.connected) this.#process.disconnect();
    await this.#died.catch(() => undefined);
  }

  async #answer() {
    const abort = new AbortController();
    const answered = once(this.#process, 'message', { signal: abort.signal });
    answered.catch(() => undefined);
    try {
      const [message] = await Promise.race([answered, this.#died]);
      return message;
    } finally {
      abort.abort();
    }
  }
}
