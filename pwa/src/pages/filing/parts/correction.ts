/** What staff asked to put right. */
import type { Application } from '../../../api/types'
import { t } from '../../../i18n'

/** What staff said about this question or material, if they asked for it. */
export function askedBack(view: Application | null, name: string): string | undefined {
  const told = view?.correction
  const found = [...(told?.fields ?? []), ...(told?.materials ?? [])].find((one) => one.name === name)
  return found && t('filing.asked_back', { words: found.words })
}
