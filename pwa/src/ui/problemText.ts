import type { ApiProblem } from '../api/client'
import { t } from '../i18n'

/** One sentence for a person: the server's own words, or ours when no answer came. */
export function problemText(problem: ApiProblem): string {
  if (problem.status === 0) return t('error.offline_text')
  return problem.detail || problem.title || t('error.server_text')
}

export const problemTitle = (problem: ApiProblem): string =>
  problem.status === 0 ? t('error.offline') : problem.status === 401 ? t('error.login') : problem.title || t('error.server')
