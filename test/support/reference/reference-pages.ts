import type ts from 'typescript';
import { dirname, relative } from 'node:path';
import { partsOf, withParts } from '../generated-parts.js';
import { PublicNames } from '../public-names.js';
import { driverMatrix } from './driver-matrix.js';
import { EventDescriber, unionTable } from './describe-events.js';
import { Describer } from './describe.js';
import { metricsTable } from './metrics-table.js';
import { namesInFiles } from './names-in-files.js';
import { withFormattedCode } from './signature-code.js';

/**
 * Fills the generated parts of the reference pages, from the types and comments of the library:
 *
 *     <!-- generated: StreamPublisher -->                             a public name
 *     <!-- generated: options StreamsOptions -->                      a table of options
 *     <!-- generated: options StreamsClientOptions without StreamsOptions -->
 *     <!-- generated: event overrun -->                               an event with its fields
 *     <!-- generated: events -->                                      all events without such a part
 *     <!-- generated: values of SettledOutcome -->                    the texts of a union
 *     <!-- generated: metrics -->                     the metrics of the library
 *     <!-- generated: drivers ports -->                               what each driver can do
 */
export class ReferencePages {
  private readonly describer: Describer;
  private readonly events: EventDescriber;

  constructor(private readonly names = new PublicNames()) {
    this.describer = new Describer(names.checker);
    this.events = new EventDescriber(names.checker, this.symbol('StreamsEvents'));
  }

  /** @param page path from the top of the repository */
  fill(page: string, text: string): Promise<string> {
    const described = partsOf(text).flatMap((part) => /^event (.+)$/.exec(part)?.[1] ?? []);
    return withParts(text, (part) => {
      const written = withErrorsAsCode(this.part(part, new Set(described)));
      return withFormattedCode(withLinks(written, page));
    });
  }

  private part(part: string, described: ReadonlySet<string>): string {
    const [kind = '', name = '', , ...others] = part.split(' ');
    switch (kind) {
      case 'options':
        return this.describer.options(
          this.symbol(name),
          others.map((other) => this.symbol(other)),
          namesInFiles(name),
        );
      case 'events':
        return this.events.table(described);
      case 'event':
        return this.events.event(name);
      case 'values':
        return unionTable(this.names.symbolOf(part.split(' ')[2]!)!, 'value');
      case 'metrics':
        return metricsTable();
      case 'drivers':
        return driverMatrix(name);
      default:
        return this.door(part) + this.describer.describe(part, this.symbol(part));
    }
  }

  /** Where a name comes from that the root lacks. */
  private door(name: string): string {
    const root = new Set(this.names.of('nestjs-redis-streams'));
    const driver = new Set(this.names.of('nestjs-redis-streams/driver'));
    return !root.has(name) && driver.has(name) ? 'Of `nestjs-redis-streams/driver`.\n\n' : '';
  }

  private symbol(name: string): ts.Symbol {
    const symbol = this.names.symbolOf(name);
    if (!symbol) throw new Error(`No door exports "${name}", which a page names`);
    return symbol;
  }
}

/** `docs/lag.md#alarms` in a comment becomes a link from the page. */
const withLinks = (text: string, page: string): string =>
  text.replaceAll(/(?<![\w/`(])docs\/([\w/-]+\.md)((?:#[\w-]+)?)/g, (_, file: string, anchor) => {
    if (page === `docs/${file}`) return `[below](${anchor})`;
    const to = relative(dirname(page), `docs/${file}`);
    return `[${file}](${to}${anchor})`;
  });

/** Names of errors as code, outside of code. */
const withErrorsAsCode = (text: string): string =>
  text
    .split(/(```[\s\S]*?```|`[^`\n]*`)/)
    .map((part, at) => (at % 2 === 0 ? part.replaceAll(/\b[A-Z]\w+Error\b/g, '`$&`') : part))
    .join('');
