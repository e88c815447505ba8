import type { WorkflowDetail, WorkflowList, WorkflowQuery } from '../protocol/rest/workflow-view.js';

/**
 * Shows operators what the workflow engine has. Reads only; what has just begun may be missing for a second.
 * Throws DomainError `unavailable` within 5 s when the engine is away, `invalid_request` when it cannot search for what was asked, `not_found`.
 */
export interface WorkflowViews {
  list(query: WorkflowQuery): Promise<WorkflowList>;
  /** The last run of this id. */
  detail(workflowId: string): Promise<WorkflowDetail>;
}
