import { ApiProblem } from '../../../api/client'
import { t } from '../../../i18n'
import { problemText } from '../../../ui/problemText'

/** What to tell the person about whatever was thrown; `offline` when no answer came at all. */
export function said(error: unknown, offline = t('login.offline')): string {
  return error instanceof ApiProblem && error.status !== 0 ? problemText(error) : offline
}
