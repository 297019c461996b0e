import type { AnyOption, Form } from '../core/option-schema/option.js';
import { kindOf, type FileNode } from './file-node.js';
import { inWordsOfFiles, nameInFiles } from './file-keys.js';
import { resolved } from './interpolate.js';

/** Words that older versions of YAML took for true and false. */
const OLD_FLAGS = /^(?:yes|no|on|off|y|n)$/i;

/** `must be …, not a text: …`. Says what a file may write, and never repeats what it has written. */
export function mustBe(option: AnyOption, node: FileNode): string {
  const { form } = option.kind;
  const kind = kindOf(node);
  const wanted = form ? kindsOf(form) : [];
  const not = wanted.includes(kind) ? '' : `, not ${kind}`;
  const hint = hintFor(wanted, node);
  return `must be ${expectedInFiles(option)}${not}${hint ? `: ${hint}` : ''}`;
}

/** What to say of an option that must be given. */
export const missing = (option: AnyOption): string =>
  `is missing; it must be ${expectedInFiles(option)}`;

/** What a file may write for an option. */
export function expectedInFiles({ kind: { expected, form } }: AnyOption): string {
  if (form?.is === 'duration') return durationIn(form.min, form.max);
  if (form?.is === 'options') {
    const { options } = form.shape;
    return `an object with ${Object.entries(options)
      .filter(([, option]) => option.kind.form)
      .map(([name, option]) => nameInFiles(name, option))
      .join(', ')}`;
  }
  if (form?.is !== 'either') return expected;
  const [first, ...more] = form.alternatives;
  if (first && more.length === 0) return expectedInFiles(first);
  const shapes = form.alternatives.flatMap(({ kind }) =>
    kind.form?.is === 'options' ? [kind.form.shape] : [],
  );
  const words = shapes.reduce(inWordsOfFiles, expected);
  const hasDuration = form.alternatives.some(({ kind }) => kind.form?.is === 'duration');
  return hasDuration
    ? words.replace('a whole number', 'a duration such as 5s, or a number of milliseconds,')
    : words;
}

function durationIn(min: number, max: number): string {
  const most = max < Number.MAX_SAFE_INTEGER ? `, ${max} at most` : '';
  return `a duration such as 5s, or a number of milliseconds, ${min} at least${most}`;
}

/** The kinds of nodes that a form may have. */
function kindsOf(form: Form): readonly string[] {
  switch (form.is) {
    case 'number':
    case 'whole':
      return ['a number'];
    case 'duration':
      return ['a number', 'a text'];
    case 'text':
      return ['a text'];
    case 'flag':
      return ['true or false'];
    case 'one of':
      return form.values.map((value) => (typeof value === 'string' ? 'a text' : 'a number'));
    case 'list':
      return ['a list'];
    case 'options':
    case 'object':
      return ['an object'];
    case 'either':
      return form.alternatives.flatMap(({ kind }) => (kind.form ? kindsOf(kind.form) : []));
  }
}

function hintFor(wanted: readonly string[], node: FileNode): string | undefined {
  if (node.is !== 'scalar') return undefined;
  const { value } = node;
  const [only, ...others] = wanted;
  if (others.length > 0) return undefined;
  if (typeof value !== 'string') {
    return only === 'a text' && value !== null ? 'put it in quotation marks' : undefined;
  }
  if (only === 'a number' && typeof resolved(value) === 'number') {
    return 'leave out the quotation marks';
  }
  if (only !== 'true or false') return undefined;
  if (OLD_FLAGS.test(value))
    return 'write true or false; YAML 1.2 takes yes, no, on and off for texts';
  return typeof resolved(value) === 'boolean' ? 'leave out the quotation marks' : undefined;
}
