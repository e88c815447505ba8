import { z } from 'zod';

const query = 'WorkflowType="drainWave"';
const answer = z.object({ executions: z.array(z.object({ execution: z.object({ workflowId: z.string() }) })).default([]) });

/** Ids of the drain waves that Temporal knows, by the HTTP API of its Web UI. */
export async function listDrainWaves(uiUrl: string): Promise<readonly string[]> {
  const url = new URL('/api/v1/namespaces/default/workflows', uiUrl);
  url.searchParams.set('query', query);
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  return answer.parse(await response.json()).executions.map(({ execution }) => execution.workflowId);
}

/** The page that shows them. */
export function drainWavesUrl(uiUrl: string): string {
  const url = new URL('/namespaces/default/workflows', uiUrl);
  url.searchParams.set('query', query);
  return url.href;
}
