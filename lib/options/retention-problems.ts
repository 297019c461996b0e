import { whole, type Problems } from './problems.js';
import type { StreamsOptions } from './streams-options.js';

/** What is wrong with the option `retention`. */
export function retentionProblems(retention: StreamsOptions['retention']): Problems {
  if (retention === undefined) return [];
  if (!Array.isArray(retention)) return policyProblems('retention', retention);
  return retention.flatMap((rule, index) => {
    const at = `retention[${index}]`;
    const streams: unknown[] = [rule?.streams].flat();
    const named = streams.every((stream) => typeof stream === 'string' && stream !== '');
    return [
      ...(named && streams.length > 0
        ? []
        : [`${at}.streams must name streams, such as 'audit.*'`]),
      ...policyProblems(`${at}.policy`, rule?.policy),
    ];
  });
}

function policyProblems(at: string, policy: unknown): Problems {
  if (policy === 'keep' || policy === 'deleteWhenSettled') return [];
  const names = typeof policy === 'object' && policy ? Object.keys(policy).sort().join() : '';
  const [limit] = /^(?:allowLoss,)?(maxAge|maxLength)$/.exec(names)?.slice(1) ?? [];
  if (limit === undefined) {
    return [`${at} must be 'keep', 'deleteWhenSettled', { maxLength } or { maxAge }`];
  }
  const given = policy as Record<string, unknown>;
  const problems: Problems = [];
  whole(problems, given, limit, 1);
  if (given[limit] === undefined) problems.push(`${limit} must be a whole number of at least 1`);
  if (![undefined, true, false].includes(given['allowLoss'] as boolean)) {
    problems.push(`allowLoss must be true or false, not ${String(given['allowLoss'])}`);
  }
  return problems.map((problem) => `${at}.${problem}`);
}
