/** useText for what only a person who is logged in may see. */
import { ApiProblem } from '../../../api/client'
import { session, sessionKnown } from '../../../state/session'
import { useText } from './useText'

export function useMine<T>(load: () => Promise<T>) {
  return useText(async () => {
    await sessionKnown()
    if (session.kind === 'anonymous' || session.kind === 'staff') throw new ApiProblem(401, {})
    return load()
  })
}
