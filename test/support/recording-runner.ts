import type { TestRunner } from '../../lib/testing/running/runner.js';

/** Runs what a suite declares: outcomes by name. */
export class RecordingRunner implements TestRunner {
  readonly outcomes: Record<string, string> = {};
  private readonly path: string[] = [];
  private readonly declared: { name: string; run: (...args: unknown[]) => Promise<void> }[] = [];
  private readonly waiting: (() => void)[] = [];

  /**
   * @param late `describe` is called after all of the outer one was declared, as vitest does
   * @param skips tests are passed a context that can skip, as vitest and node:test do
   */
  constructor(
    private readonly late: boolean,
    private readonly skips: boolean,
  ) {}

  readonly describe = (name: string, declare: () => void): void => {
    const path = [...this.path, name];
    const enter = () => {
      const outer = this.path.splice(0, this.path.length, ...path);
      declare();
      this.path.splice(0, this.path.length, ...outer);
    };
    if (this.late) this.waiting.push(enter);
    else enter();
  };

  readonly it = (name: string, run: (...args: unknown[]) => Promise<void>): void => {
    // jest waits for a callback where a test names a parameter.
    if (run.length > 0) throw new Error(`"${name}" takes a parameter`);
    this.declared.push({ name: [...this.path, name].join(' > '), run });
  };

  async run(): Promise<Record<string, string>> {
    for (let enter = this.waiting.shift(); enter; enter = this.waiting.shift()) enter();
    for (const { name, run } of this.declared) {
      this.outcomes[name] = 'passed';
      const skip = (reason: string) => (this.outcomes[name] = `skipped: ${reason}`);
      await run(...(this.skips ? [{ skip }] : [])).catch((error: Error) => {
        this.outcomes[name] = `failed: ${error.message}`;
      });
    }
    return this.outcomes;
  }
}
