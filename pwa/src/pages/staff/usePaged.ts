/** usePaged for staff: a page that comes after a sign-out waits until somebody signed in again. */
import { usePaged as usePages, type PageOf } from '../../ui/usePaged'
import { asStaff } from './desk'

export const usePaged = <T, P extends PageOf<T> = PageOf<T>>(ask: (cursor: string | null) => Promise<P>) =>
  usePages<T, P>((cursor) => asStaff(() => ask(cursor)))
