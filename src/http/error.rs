//! Errors of heads, with the status code for each ([RFC 9110, 15](https://www.rfc-editor.org/rfc/rfc9110#section-15)).
//! An incomplete head is not an error.

use std::fmt;

/// The reason why a head is rejected. [`status`](Self::status) is the status code of the response,
/// [`response`](Self::response) the complete response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpError {
    /// The first bytes belong to another protocol, named here: a client connected to the wrong port.
    OtherProtocol(&'static str),
    /// Not `method SP request-target SP HTTP-version`, see [RFC 9112, 3](https://www.rfc-editor.org/rfc/rfc9112#section-3).
    InvalidRequestLine,
    /// A target in none of the forms of [RFC 9112, 3.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2).
    InvalidTarget,
    /// A `%` without two hexadecimal digits, see [RFC 3986, 2.1](https://www.rfc-editor.org/rfc/rfc3986#section-2.1).
    InvalidPercentEncoding,
    /// A line that ends in LF without CR, see [RFC 9112, 2.2](https://www.rfc-editor.org/rfc/rfc9112#section-2.2).
    BareLineFeed,
    /// A line that starts with a space or tab, see [RFC 9112, 5.2](https://www.rfc-editor.org/rfc/rfc9112#section-5.2).
    ObsoleteFolding,
    /// A field name that is not a token, or white space before the colon, see [RFC 9112,
    /// 5.1](https://www.rfc-editor.org/rfc/rfc9112#section-5.1).
    InvalidFieldName,
    /// A control character in a field value, see [RFC 9110, 5.5](https://www.rfc-editor.org/rfc/rfc9110#section-5.5).
    InvalidFieldValue,
    /// HTTP/1.1 without `Host`, see [RFC 9112, 3.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2).
    MissingHost,
    /// More than one `Host`, see [RFC 9112, 3.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2).
    DuplicateHost,
    /// A `Host`, or the authority of a target, that is not `host [":" port]`, see
    /// [RFC 9110, 7.2](https://www.rfc-editor.org/rfc/rfc9110#section-7.2).
    InvalidHost,
    /// `Content-Length` that is repeated, a list, not a number, or longer than 64 bits, see [RFC 9112,
    /// 6.3](https://www.rfc-editor.org/rfc/rfc9112#section-6.3).
    InvalidContentLength,
    /// `Transfer-Encoding` on a request: unsupported, and a common way to smuggle a second request, see [RFC 9112,
    /// 11.2](https://www.rfc-editor.org/rfc/rfc9112#section-11.2).
    TransferEncoding,
    /// GET or HEAD with content, see [RFC 9110, 9.3.1](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.1).
    ContentNotAllowed,
    /// `X-Forwarded-For` and `Forwarded` of a trusted proxy name two clients, so one is forged, see [RFC 7239,
    /// 8.1](https://www.rfc-editor.org/rfc/rfc7239#section-8.1).
    TwoClients,
    /// The head did not arrive in time, see [RFC 9110, 15.5.9](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.9).
    Timeout,
    /// More content than the server accepts, see [RFC 9110,
    /// 15.5.14](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.14).
    ContentTooLarge,
    /// The request line exceeds [`HeadLimits::request_line`](crate::http::lines::HeadLimits::request_line).
    RequestLineTooLong,
    /// The header block exceeds [`HeadLimits::head`](crate::http::lines::HeadLimits::head).
    HeadTooLarge,
    /// More fields than [`HeadLimits::headers`](crate::http::lines::HeadLimits::headers).
    TooManyHeaders,
    /// A method longer than any known one, see [RFC 9112, 3](https://www.rfc-editor.org/rfc/rfc9112#section-3).
    MethodTooLong,
    /// A well-formed version with a major number other than 1, see
    /// [RFC 9110, 15.6.6](https://www.rfc-editor.org/rfc/rfc9110#section-15.6.6).
    VersionNotSupported,
    /// A client received a line that is not `HTTP-version SP status-code SP [reason-phrase]`, see [RFC 9112,
    /// 4](https://www.rfc-editor.org/rfc/rfc9112#section-4).
    InvalidStatusLine,
    /// The server answered a plain request with TLS.
    AnswerInTls,
    /// The server's own response has a status outside 100 to 599, or a field that would break the head. It was not
    /// sent.
    InvalidResponse,
}

impl HttpError {
    /// Returns the status code of the response. [`InvalidStatusLine`](Self::InvalidStatusLine), an error of clients
    /// only, returns 502, as a gateway would.
    pub fn status(self) -> u16 {
        match self {
            Self::OtherProtocol(_)
            | Self::InvalidRequestLine
            | Self::InvalidTarget
            | Self::InvalidPercentEncoding
            | Self::BareLineFeed
            | Self::ObsoleteFolding
            | Self::InvalidFieldName
            | Self::InvalidFieldValue
            | Self::MissingHost
            | Self::DuplicateHost
            | Self::InvalidHost
            | Self::InvalidContentLength
            | Self::TransferEncoding
            | Self::ContentNotAllowed
            | Self::TwoClients => 400,
            Self::Timeout => 408,
            Self::ContentTooLarge => 413,
            Self::RequestLineTooLong => 414,
            Self::HeadTooLarge | Self::TooManyHeaders => 431,
            Self::InvalidResponse => 500,
            Self::MethodTooLong => 501,
            Self::InvalidStatusLine | Self::AnswerInTls => 502,
            Self::VersionNotSupported => 505,
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherProtocol(name) => {
                return write!(f, "this port speaks HTTP and WebSocket, not {name}");
            }
            Self::InvalidRequestLine => "the request line is malformed",
            Self::InvalidTarget => "the request target is malformed",
            Self::InvalidPercentEncoding => {
                "a percent sign is not followed by two hexadecimal digits"
            }
            Self::BareLineFeed => "a line ends in LF without CR",
            Self::ObsoleteFolding => "a header line starts with white space",
            Self::InvalidFieldName => "a header line does not start with a name and a colon",
            Self::InvalidFieldValue => "a header value has a control character",
            Self::MissingHost => "the Host header is missing",
            Self::DuplicateHost => "there is more than one Host header",
            Self::InvalidHost => "the host is malformed",
            Self::InvalidContentLength => "the Content-Length is malformed or repeated",
            Self::TransferEncoding => "Transfer-Encoding is not supported on requests",
            Self::ContentNotAllowed => "a GET or HEAD request has no content",
            Self::TwoClients => "X-Forwarded-For and Forwarded name two different clients",
            Self::Timeout => "the request did not arrive in time",
            Self::ContentTooLarge => "the content is too large",
            Self::RequestLineTooLong => "the request line is too long",
            Self::HeadTooLarge => "the header block is too large",
            Self::TooManyHeaders => "there are too many header lines",
            Self::MethodTooLong => "the method is longer than any known one",
            Self::VersionNotSupported => "only HTTP/1.0 and HTTP/1.1 are supported",
            Self::InvalidStatusLine => "the status line is malformed",
            Self::AnswerInTls => "the server speaks TLS: the URL has to begin with wss://",
            Self::InvalidResponse => "the response has an invalid status or header",
        })
    }
}

impl std::error::Error for HttpError {}
