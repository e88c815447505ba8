import { z } from 'zod';

/** Where a server keeps its workflows. */
export interface DrainWaves {
  readonly temporalUiUrl: string;
  readonly taskQueue: string;
}

const queryOf = ({ taskQueue }: DrainWaves) => `WorkflowType="drainWave" AND TaskQueue="${taskQueue}"`;
const answer = z.object({ executions: z.array(z.object({ execution: z.object({ workflowId: z.string() }) })).default([]) });

/** Ids of the drain waves that Temporal knows, by the HTTP API of its Web UI. */
export async function listDrainWaves(server: DrainWaves): Promise<readonly string[]> {
  const url = new URL('/api/v1/namespaces/default/workflows', server.temporalUiUrl);
  url.searchParams.set('query', queryOf(server));
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  return answer.parse(await response.json()).executions.map(({ execution }) => execution.workflowId);
}

/** The page that shows them. */
export function drainWavesUrl(server: DrainWaves): string {
  const url = new URL('/namespaces/default/workflows', server.temporalUiUrl);
  url.searchParams.set('query', queryOf(server));
  return url.href;
}
