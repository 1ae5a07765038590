/** What the app runs in. */
export const inWeChat = () => /MicroMessenger/i.test(navigator.userAgent)
