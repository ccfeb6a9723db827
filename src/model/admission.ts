/**
 * What a node of the cluster may do at a manager's port, by what that manager has applied.
 *
 * - `member`: what its role allows.
 * - `ahead`: its certificate was given after all that this manager has applied, which therefore cannot tell. A manager's Raft messages
 *   are heard, since this one might never catch up otherwise; whatever else is asked, another manager has to answer.
 * - `superseded`: it was removed, or has another role by now. It may ask for a new certificate.
 */
export type Admission = "member" | "ahead" | "superseded";
